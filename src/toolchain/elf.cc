#include "toolchain/elf.h"

#include <fmt/core.h>
#include <gelf.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "support/error.h"

namespace mote::toolchain {

namespace {

using ElfPointer = std::unique_ptr<Elf, int (*)(Elf*)>;

constexpr uint64_t kMaxAddress = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kMaxMemory = 256u << 20;  // of one segment; no board has as much

/// An ELF file in memory. libelf wants bytes it may write to, so it gets a copy.
struct File {
  Bytes bytes;
  std::string name;
  ElfPointer elf{nullptr, elf_end};

  File(std::span<const std::byte> contents, const std::string& file_name)
      : bytes(contents.begin(), contents.end()), name(file_name) {
    check(elf_version(EV_CURRENT) != EV_NONE, "libelf is of another version");
    elf.reset(elf_memory(reinterpret_cast<char*>(bytes.data()), bytes.size()));
    if (!elf || elf_kind(elf.get()) != ELF_K_ELF) fail("is not an ELF file");
  }
  [[noreturn]] void fail(const std::string& what) const { throw InputError(name, what); }
  GElf_Ehdr header() const {
    GElf_Ehdr header;
    if (!gelf_getehdr(elf.get(), &header)) fail("has no readable ELF header");
    if (header.e_ident[EI_DATA] != ELFDATA2LSB) fail("is not little-endian");
    return header;
  }
};

/// Whether a section of a linked program is stored at another address than that where it is used.
bool is_copied(const File& file, const GElf_Shdr& section) {
  size_t count = 0;
  if (elf_getphdrnum(file.elf.get(), &count) != 0) file.fail("has no readable program headers");
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr header;
    if (!gelf_getphdr(file.elf.get(), static_cast<int>(i), &header)) file.fail("has an unreadable program header");
    if (header.p_type != PT_LOAD || section.sh_addr - header.p_vaddr >= header.p_memsz) continue;
    return header.p_vaddr != header.p_paddr;
  }
  return false;
}

/// `relocatable`: unwinding tables do not count, for no link of ours keeps them.
Sizes sizes_of(const File& file, bool relocatable) {
  constexpr uint32_t kArmUnwindIndex = 0x70000001;  // SHT_ARM_EXIDX
  Sizes sizes;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(file.elf.get(), section));) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header)) file.fail("has an unreadable section header");
    if (!(header.sh_flags & SHF_ALLOC) || header.sh_size == 0) continue;
    if (relocatable && header.sh_type == kArmUnwindIndex) continue;
    if (header.sh_size > kMaxMemory) file.fail(fmt::format("has a section of {} bytes", header.sh_size));
    uint32_t& size = header.sh_type == SHT_NOBITS        ? sizes.bss
                     : (header.sh_flags & SHF_EXECINSTR) ? sizes.text
                     : (header.sh_flags & SHF_WRITE)     ? sizes.data
                                                         : sizes.rodata;
    if (size > kMaxMemory) file.fail("is too large");
    size += static_cast<uint32_t>(header.sh_size);
    const bool constant = &size == &sizes.text || &size == &sizes.rodata;
    if (constant && !relocatable && is_copied(file, header)) sizes.copied += static_cast<uint32_t>(header.sh_size);
  }
  return sizes;
}

std::vector<Segment> segments_of(const File& file) {
  size_t count = 0;
  if (elf_getphdrnum(file.elf.get(), &count) != 0) file.fail("has no readable program headers");
  std::vector<Segment> segments;
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr header;
    if (!gelf_getphdr(file.elf.get(), static_cast<int>(i), &header)) file.fail("has an unreadable program header");
    if (header.p_type != PT_LOAD || header.p_memsz == 0) continue;
    if (header.p_filesz > header.p_memsz || header.p_offset > file.bytes.size() ||
        header.p_filesz > file.bytes.size() - header.p_offset) {
      file.fail(fmt::format("segment {} lies outside of the file", i));
    }
    if (header.p_memsz > kMaxMemory || header.p_vaddr > kMaxAddress || header.p_paddr > kMaxAddress ||
        header.p_vaddr + header.p_memsz > kMaxAddress + 1 || header.p_paddr + header.p_filesz > kMaxAddress + 1) {
      file.fail(fmt::format("segment {} lies outside of the 32-bit address space", i));
    }
    Segment segment;
    segment.address = static_cast<uint32_t>(header.p_vaddr);
    segment.load_address = static_cast<uint32_t>(header.p_paddr);
    segment.memory_size = static_cast<uint32_t>(header.p_memsz);
    segment.executable = header.p_flags & PF_X;
    const auto begin = file.bytes.begin() + static_cast<ptrdiff_t>(header.p_offset);
    segment.bytes.assign(begin, begin + static_cast<ptrdiff_t>(header.p_filesz));
    segments.push_back(std::move(segment));
  }
  return segments;
}

std::vector<Symbol> symbols_of(const File& file) {
  std::vector<Symbol> symbols;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(file.elf.get(), section));) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    if (!data || header.sh_entsize == 0) file.fail("has an unreadable symbol table");
    for (size_t i = 0; i < data->d_size / header.sh_entsize; ++i) {
      GElf_Sym entry;
      if (!gelf_getsym(data, static_cast<int>(i), &entry)) file.fail("has an unreadable symbol");
      const int type = GELF_ST_TYPE(entry.st_info);
      if ((type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE) || entry.st_shndx == SHN_UNDEF) continue;
      const char* name = elf_strptr(file.elf.get(), header.sh_link, entry.st_name);
      if (!name || *name == '\0' || *name == '$' || entry.st_value > kMaxAddress) continue;
      symbols.push_back({name, static_cast<uint32_t>(entry.st_value),
                         static_cast<uint32_t>(std::min<uint64_t>(entry.st_size, kMaxAddress)), type == STT_FUNC});
    }
  }
  std::stable_sort(symbols.begin(), symbols.end(),
                   [](const Symbol& a, const Symbol& b) { return a.address() < b.address(); });
  return symbols;
}

}  // namespace

const Symbol* Image::find(std::string_view name) const {
  const auto found = std::find_if(symbols.begin(), symbols.end(), [&](const Symbol& s) { return s.name == name; });
  return found == symbols.end() ? nullptr : &*found;
}

const Symbol* Image::function_at(uint32_t address) const {
  for (const Symbol& symbol : symbols) {
    if (symbol.function && address >= symbol.address() && address - symbol.address() < std::max(symbol.size, 1u)) {
      return &symbol;
    }
  }
  return nullptr;
}

std::string Image::describe(uint32_t address) const {
  const Symbol* symbol = function_at(address & ~1u);
  if (!symbol) return "";
  return fmt::format("{}+{:#x}", symbol->name, (address & ~1u) - symbol->address());
}

Sizes object_sizes(std::span<const std::byte> elf, const std::string& name) {
  const File file(elf, name);
  if (file.header().e_type != ET_REL) file.fail("is not a relocatable object");
  return sizes_of(file, true);
}

Image read_image(std::span<const std::byte> elf, const std::string& name) {
  File file(elf, name);
  const GElf_Ehdr header = file.header();
  if (header.e_type != ET_EXEC) file.fail("is not a linked program");
  if (header.e_machine == EM_ARM ? gelf_getclass(file.elf.get()) != ELFCLASS32
                                 : gelf_getclass(file.elf.get()) != ELFCLASS64) {
    file.fail("is neither a 32-bit Arm program nor one of this computer");
  }
  Image image;
  image.segments = segments_of(file);
  image.symbols = symbols_of(file);
  image.sizes = sizes_of(file, false);
  if (header.e_entry > kMaxAddress) file.fail("has its entry outside of the 32-bit address space");
  image.entry = static_cast<uint32_t>(header.e_entry);
  file.elf.reset();
  image.elf = std::move(file.bytes);
  return image;
}

}  // namespace mote::toolchain
