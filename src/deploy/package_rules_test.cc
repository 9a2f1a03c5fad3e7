// The descriptions in packages, held against what their tools say of the format, whatever the network is called.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "codegen/emit.h"
#include "deploy/package.h"
#include "ir/random_model.h"
#include "support/files.h"
#include "support/subprocess.h"

namespace mote::deploy {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

/// The part of Open-CMSIS-Pack's format (PACK.xsd, 1.7) that such a pack uses, in our words: what must be there, what
/// may, and what values look like. Nothing else is let through.
constexpr const char* kPackRules = R"(<?xml version="1.0"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:simpleType name="Name"><xs:restriction base="xs:string"><xs:pattern value="[-_A-Za-z0-9]+"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="Part"><xs:restriction base="xs:string"><xs:maxLength value="32"/>
    <xs:pattern value="[A-Za-z0-9][-A-Za-z0-9_+()'/\s.]+"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="Sub"><xs:restriction base="xs:string"><xs:maxLength value="32"/>
    <xs:pattern value="([A-Za-z0-9][-A-Za-z0-9_+():/ .]*)?"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="PackVersion"><xs:restriction base="xs:string"><xs:pattern value="[0-9]+\.[0-9]+\.[0-9]+"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="Category"><xs:restriction base="xs:token"><xs:enumeration value="doc"/><xs:enumeration value="header"/>
    <xs:enumeration value="source"/><xs:enumeration value="sourceC"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="Use"><xs:restriction base="xs:token"><xs:enumeration value="config"/><xs:enumeration value="template"/></xs:restriction></xs:simpleType>
  <xs:simpleType name="Brief"><xs:restriction base="xs:string"><xs:minLength value="1"/><xs:maxLength value="256"/></xs:restriction></xs:simpleType>
  <xs:complexType name="File">
    <xs:attribute name="category" type="Category" use="required"/>
    <xs:attribute name="name" type="xs:string" use="required"/>
    <xs:attribute name="attr" type="Use"/>
    <xs:attribute name="select" type="xs:string"/>
  </xs:complexType>
  <xs:complexType name="Component">
    <xs:all>
      <xs:element name="description" type="Brief"/>
      <xs:element name="files"><xs:complexType><xs:sequence>
        <xs:element name="file" type="File" maxOccurs="unbounded"/>
      </xs:sequence></xs:complexType></xs:element>
    </xs:all>
    <xs:attribute name="Cclass" type="Part" use="required"/>
    <xs:attribute name="Cgroup" type="Part" use="required"/>
    <xs:attribute name="Csub" type="Sub"/>
    <xs:attribute name="Cversion" type="PackVersion" use="required"/>
  </xs:complexType>
  <xs:complexType name="Release"><xs:simpleContent><xs:extension base="xs:string">
    <xs:attribute name="version" type="PackVersion" use="required"/>
    <xs:attribute name="date" type="xs:date"/>
  </xs:extension></xs:simpleContent></xs:complexType>
  <xs:element name="package"><xs:complexType>
    <xs:all>
      <xs:element name="vendor" type="Name"/>
      <xs:element name="name" type="Name"/>
      <xs:element name="description" type="Brief"/>
      <xs:element name="url" type="xs:anyURI"/>
      <xs:element name="license" type="xs:string" minOccurs="0"/>
      <xs:element name="releases"><xs:complexType><xs:sequence>
        <xs:element name="release" type="Release" maxOccurs="unbounded"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="components" minOccurs="0"><xs:complexType><xs:sequence>
        <xs:element name="component" type="Component" maxOccurs="unbounded"/>
      </xs:sequence></xs:complexType></xs:element>
    </xs:all>
    <xs:attribute name="schemaVersion" use="required">
      <xs:simpleType><xs:restriction base="xs:string"><xs:pattern value="[0-9]+\.[0-9]+(\.[0-9]+)?"/></xs:restriction></xs:simpleType>
    </xs:attribute>
  </xs:complexType></xs:element>
</xs:schema>
)";

/// Names that a network may have: short, long, and of what C allows and others do not.
const std::vector<std::string> kNames = {
    "net", "x", "_net", "___", "7_up", "a_model_with_a_name_as_long_as_those_that_converters_like_to_give_1_0_224"};

std::vector<File> package(const std::string& form, const std::string& prefix) {
  const target::Board board = target::load_board("nucleo-f746zg");
  return package_of(make_library(ir::random_model(2), "model.tflite", prefix, board), form, board, std::nullopt);
}

/// The one file whose path ends so.
const File& file_of(const std::vector<File>& files, const std::string& ending) {
  for (const File& file : files) {
    if (file.path.ends_with(ending)) return file;
  }
  throw JobError("there is no " + ending);
}

/// What xmllint finds wrong with a pack's description; "" when nothing.
std::string refusal_of_pack(const std::string& pdsc) {
  const TemporaryFolder folder;
  write_file(folder.path() / "rules.xsd", std::string_view(kPackRules));
  write_file(folder.path() / "net.pdsc", pdsc);
  Command command;
  command.arguments = {"xmllint", "--nonet", "--noout", "--schema", "rules.xsd", "net.pdsc"};
  command.folder = folder.path();
  const CommandResult result = run_command(command);
  return result.ok() ? "" : "refused: " + result.err;
}

TEST(PackageRules, CmsisPackFollowsTheSchemaWhateverItsName) {
  if (!find_program("xmllint")) GTEST_SKIP() << "xmllint is not installed";
  for (const std::string& name : kNames) {
    SCOPED_TRACE(name);
    const std::vector<File> files = package("cmsis-pack", name);
    const File& pdsc = file_of(files, ".pdsc");
    EXPECT_EQ(refusal_of_pack(pdsc.text), "");
    std::smatch words;
    ASSERT_TRUE(std::regex_search(pdsc.text, words, std::regex("<vendor>(.*)</vendor>\\s*<name>(.*)</name>")));
    EXPECT_EQ(pdsc.path, words[1].str() + "." + words[2].str() + ".pdsc");
    std::set<std::string> paths;
    for (const File& file : files) paths.insert(file.path);
    const std::regex named("(?:<license>|<file [^>]*name=\")([^\"<]*)");
    size_t count = 0;
    for (std::sregex_iterator at(pdsc.text.begin(), pdsc.text.end(), named), end; at != end; ++at, ++count) {
      EXPECT_TRUE(paths.contains((*at)[1].str())) << (*at)[1].str();
    }
    EXPECT_GT(count, 4u);
  }
}

TEST(PackageRules, ThoseOfACmsisPackRefuseWhatIsWrong) {
  if (!find_program("xmllint")) GTEST_SKIP() << "xmllint is not installed";
  const std::string good = file_of(package("cmsis-pack", "net"), ".pdsc").text;
  for (const auto& [what, by] :
       std::vector<std::pair<std::string, std::string>>{{"<vendor>mote</vendor>", ""},
                                                        {"<url>https://example.com/</url>", ""},
                                                        {"<name>net</name>", "<name>net.pack</name>"},
                                                        {" schemaVersion=\"1.7.7\"", ""},
                                                        {"category=\"header\"", "category=\"headers\""},
                                                        {"category=\"header\" ", ""},
                                                        {" Cgroup=\"Network\"", ""},
                                                        {"Csub=\"net\"", "Csub=\"_net\""},
                                                        {"<components>", "<components><component/>"},
                                                        {"</releases>", ""}}) {
    std::string bad = good;
    const size_t at = bad.find(what);
    ASSERT_NE(at, std::string::npos) << what;
    bad.replace(at, what.size(), by);
    EXPECT_THAT(refusal_of_pack(bad), HasSubstr("refused")) << what;
  }
}

/// https://arduino.github.io/arduino-cli/latest/library-specification
TEST(PackageRules, ArduinoPropertiesAreWhatTheSpecificationWants) {
  const std::set<std::string> known = {"name",     "version", "author",  "maintainer",    "sentence", "paragraph",
                                       "category", "url",     "depends", "architectures", "includes"};
  for (const std::string& name : kNames) {
    SCOPED_TRACE(name);
    const std::vector<File> files = package("arduino", name);
    std::map<std::string, std::string> values;
    std::istringstream lines(file_of(files, "library.properties").text);
    for (std::string line; std::getline(lines, line);) {
      const size_t equals = line.find('=');
      ASSERT_NE(equals, std::string::npos) << line;
      EXPECT_TRUE(known.contains(line.substr(0, equals))) << line;
      EXPECT_TRUE(values.emplace(line.substr(0, equals), line.substr(equals + 1)).second) << line;
    }
    for (const char* key :
         {"name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}) {
      EXPECT_FALSE(values[key].empty()) << key;
    }
    EXPECT_TRUE(std::regex_match(values["name"], std::regex("[A-Za-z0-9][A-Za-z0-9 _.-]*"))) << values["name"];
    EXPECT_TRUE(std::regex_search(values["name"], std::regex("[A-Za-z]"))) << values["name"];
    EXPECT_LE(values["name"].size(), 63u);
    EXPECT_THAT(values["version"], MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
    EXPECT_EQ(values["category"], "Data Processing") << "one of nine";
    EXPECT_EQ(file_of(files, "src/" + values["includes"]).path, "src/" + values["includes"]);
    std::istringstream keywords(file_of(files, "keywords.txt").text);
    for (std::string line; std::getline(keywords, line);) {
      EXPECT_THAT(line, MatchesRegex("[A-Za-z0-9_]+\t(KEYWORD[123]|LITERAL1)"));
    }
  }
}

/// https://docs.platformio.org/en/latest/manifests/library-json
TEST(PackageRules, PlatformIoManifestIsWhatTheDocumentationWants) {
  const std::set<std::string> known = {"name",         "version", "description", "keywords",  "homepage", "repository",
                                       "authors",      "license", "frameworks",  "platforms", "headers",  "examples",
                                       "dependencies", "export",  "scripts",     "build"};
  const std::set<std::string> of_build = {"flags",       "unflags",    "includeDir", "srcDir",        "srcFilter",
                                          "extraScript", "libArchive", "libLDFMode", "libCompatMode", "builder"};
  for (const std::string& name : kNames) {
    SCOPED_TRACE(name);
    const std::vector<File> files = package("platformio", name);
    const nlohmann::json manifest = nlohmann::json::parse(file_of(files, "library.json").text);
    for (const auto& [key, value] : manifest.items()) EXPECT_TRUE(known.contains(key)) << key;
    for (const auto& [key, value] : manifest.at("build").items()) EXPECT_TRUE(of_build.contains(key)) << key;
    const std::string title = manifest.at("name");
    EXPECT_TRUE(std::regex_match(title, std::regex("[A-Za-z0-9][A-Za-z0-9_ -]*")) && title.size() <= 50) << title;
    EXPECT_THAT(manifest.at("version").get<std::string>(), MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
    EXPECT_LE(manifest.at("description").get<std::string>().size(), 255u);
    EXPECT_TRUE(std::regex_match(manifest.at("keywords").get<std::string>(), std::regex("[a-z0-9-]+(, [a-z0-9-]+)*")));
    const std::string folder = manifest.at("build").at("includeDir");
    file_of(files, folder + "/" + manifest.at("headers").get<std::string>());
    file_of(files, manifest.at("build").at("srcDir").get<std::string>() + "/" + codegen::identifier(name) + ".c");
    for (const nlohmann::json& example : manifest.at("examples")) {
      for (const nlohmann::json& file : example.at("files")) {
        file_of(files, example.at("base").get<std::string>() + "/" + file.get<std::string>());
      }
    }
  }
}

/// https://docs.espressif.com/projects/idf-component-manager/en/latest/reference/manifest_file.html: of YAML only lines
/// of "key: value" and one level of nesting are written, so only those are read.
TEST(PackageRules, EspIdfManifestIsWhatTheDocumentationWants) {
  const std::set<std::string> known = {"version", "description", "url",   "license",      "targets",
                                       "tags",    "maintainers", "files", "dependencies", "repository"};
  for (const std::string& name : kNames) {
    SCOPED_TRACE(name);
    std::map<std::string, std::string> values;
    std::istringstream lines(file_of(package("esp-idf", name), "idf_component.yml").text);
    for (std::string line, parent; std::getline(lines, line);) {
      std::smatch words;
      ASSERT_TRUE(std::regex_match(line, words, std::regex("(  )?([a-z_]+):( ([^\"\\s].*|\"[^\"]*\"))?"))) << line;
      const bool nested = words[1].matched;
      if (!nested) parent = words[2];
      EXPECT_TRUE(known.contains(parent)) << line;
      const std::string key = nested ? parent + "." + words[2].str() : parent;
      EXPECT_TRUE(values.emplace(key, words[4]).second) << "twice: " << key;
    }
    EXPECT_THAT(values["version"], MatchesRegex("\"[0-9]+\\.[0-9]+\\.[0-9]+\""));
    EXPECT_FALSE(values["description"].empty());
    EXPECT_EQ(values["description"].find(": "), std::string::npos) << "which would be a mapping";
    EXPECT_THAT(values["dependencies.idf"], MatchesRegex("\"[<>=~^]+[0-9.]+\""));
  }
}

}  // namespace
}  // namespace mote::deploy
