#include "toolchain/constants.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "support/error.h"

namespace mote::toolchain {
namespace {

struct Elf32 {
  using Header = Elf32_Ehdr;
  using Section = Elf32_Shdr;
  using Symbol = Elf32_Sym;
};
struct Elf64 {
  using Header = Elf64_Ehdr;
  using Section = Elf64_Shdr;
  using Symbol = Elf64_Sym;
};

// The sections in their order; the first is the one that every ELF file begins with.
enum Section : uint16_t { kNone, kConstants, kSymbols, kNames, kSections };

size_t aligned(size_t value, size_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

template <typename T>
void append(Bytes* bytes, const T& value) {
  const std::span<const std::byte> raw = std::as_bytes(std::span(&value, 1));
  bytes->insert(bytes->end(), raw.begin(), raw.end());
}

/// Strings of an ELF file, each ended by a zero; the first is empty.
class Names {
 public:
  uint32_t add(const std::string& name) {
    const uint32_t at = static_cast<uint32_t>(text_.size());
    text_ += name + '\0';
    return at;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_ = std::string(1, '\0');
};

/// Contents of the section of constants, and the symbols in it.
template <typename Elf>
struct Contents {
  Bytes data;
  size_t alignment = 1;
  std::vector<typename Elf::Symbol> symbols = std::vector<typename Elf::Symbol>(1);

  Contents(const std::vector<Constant>& constants, Names* names) {
    for (const Constant& constant : constants) {
      alignment = std::max<size_t>(alignment, constant.alignment);
      data.resize(aligned(data.size(), constant.alignment));
      typename Elf::Symbol& symbol = symbols.emplace_back();
      symbol.st_name = names->add(constant.symbol);
      symbol.st_value = static_cast<uint32_t>(data.size());
      symbol.st_size = static_cast<uint32_t>(constant.bytes.size());
      symbol.st_info = ELF32_ST_INFO(STB_GLOBAL, STT_OBJECT);  // the same in both classes
      symbol.st_shndx = kConstants;
      data.insert(data.end(), constant.bytes.begin(), constant.bytes.end());
    }
  }
};

template <typename Elf>
Bytes written(const std::vector<Constant>& constants, std::span<const std::byte> like) {
  Names names;
  const Contents<Elf> contents(constants, &names);
  typename Elf::Section sections[kSections] = {};
  sections[kConstants].sh_name = names.add(".rodata");
  sections[kConstants].sh_type = SHT_PROGBITS;
  sections[kConstants].sh_flags = SHF_ALLOC;
  sections[kSymbols].sh_name = names.add(".symtab");
  sections[kSymbols].sh_type = SHT_SYMTAB;
  sections[kSymbols].sh_link = kNames;
  sections[kSymbols].sh_info = 1;  // the first global one
  sections[kSymbols].sh_entsize = sizeof(typename Elf::Symbol);
  sections[kNames].sh_name = names.add(".strtab");
  sections[kNames].sh_type = SHT_STRTAB;

  // The machine, its flags and conventions are those of the other object.
  typename Elf::Header header;
  std::memcpy(&header, like.data(), sizeof header);
  Bytes file(sizeof header);
  const auto put = [&](Section section, std::span<const std::byte> bytes, size_t alignment) {
    file.resize(aligned(file.size(), alignment));
    sections[section].sh_offset = static_cast<uint32_t>(file.size());
    sections[section].sh_size = static_cast<uint32_t>(bytes.size());
    sections[section].sh_addralign = static_cast<uint32_t>(alignment);
    file.insert(file.end(), bytes.begin(), bytes.end());
  };
  put(kConstants, contents.data, contents.alignment);
  put(kSymbols, std::as_bytes(std::span(contents.symbols)), alignof(typename Elf::Symbol));
  put(kNames, std::as_bytes(std::span(names.text())), 1);
  file.resize(aligned(file.size(), alignof(typename Elf::Section)));
  header.e_type = ET_REL;
  header.e_entry = header.e_phoff = 0;
  header.e_phnum = 0;
  header.e_shoff = static_cast<uint32_t>(file.size());
  header.e_shnum = kSections;
  header.e_shstrndx = kNames;
  for (const typename Elf::Section& section : sections) append(&file, section);
  std::memcpy(file.data(), &header, sizeof header);
  return file;
}

}  // namespace

Object constants_object(const std::string& name, const std::vector<Constant>& constants, const Object& like) {
  object_sizes(like.elf, like.name);  // throws when it is no ELF file
  const bool is_64_bit = like.elf.at(EI_CLASS) == std::byte{ELFCLASS64};
  Object object{name, is_64_bit ? written<Elf64>(constants, like.elf) : written<Elf32>(constants, like.elf), {}};
  object.sizes = object_sizes(object.elf, name);
  return object;
}

}  // namespace mote::toolchain
