#include "board_sim/elf_file.h"

#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "support/error.h"

namespace mote::board_sim {
namespace {

struct EndElf {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfPointer = std::unique_ptr<Elf, EndElf>;

struct File {
  explicit File(const std::string& path) : fd(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd < 0) throw InputError(path, std::strerror(errno));
  }
  ~File() { close(fd); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd;
};

void read_segments(Elf* elf, const std::string& path, ElfFile& file) {
  size_t count = 0, file_size = 0;
  const char* raw = elf_rawfile(elf, &file_size);
  if (raw == nullptr || elf_getphdrnum(elf, &count) != 0) throw InputError(path, "has no readable program headers");
  for (size_t i = 0; i < count; ++i) {
    GElf_Phdr header;
    if (gelf_getphdr(elf, static_cast<int>(i), &header) == nullptr) throw InputError(path, elf_errmsg(-1));
    if (header.p_type != PT_LOAD || header.p_filesz == 0) continue;
    if (header.p_offset > file_size || header.p_filesz > file_size - header.p_offset) {
      throw InputError(path, "is cut off inside a segment");
    }
    const std::byte* first = reinterpret_cast<const std::byte*>(raw) + header.p_offset;
    file.segments.push_back({static_cast<uint32_t>(header.p_paddr), {first, first + header.p_filesz}});
  }
  if (file.segments.empty()) throw InputError(path, "has nothing to load");
}

void read_symbols(Elf* elf, ElfFile& file) {
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf, section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_SYMTAB || header.sh_entsize == 0) continue;
    Elf_Data* data = elf_getdata(section, nullptr);
    for (size_t i = 0; data != nullptr && i < header.sh_size / header.sh_entsize; ++i) {
      GElf_Sym symbol;
      if (gelf_getsym(data, static_cast<int>(i), &symbol) == nullptr) continue;
      const char* name = elf_strptr(elf, header.sh_link, symbol.st_name);
      if (name == nullptr || *name == '\0' || symbol.st_shndx == SHN_UNDEF) continue;
      const bool function = GELF_ST_TYPE(symbol.st_info) == STT_FUNC;
      const uint32_t address = static_cast<uint32_t>(symbol.st_value) & (function ? ~1u : ~0u);
      file.symbols.push_back({name, address, static_cast<uint32_t>(symbol.st_size), function});
    }
  }
  std::ranges::stable_sort(file.symbols, {}, &ElfSymbol::address);
}

}  // namespace

ElfFile read_elf(const std::string& path) {
  elf_version(EV_CURRENT);
  const File input(path);
  const ElfPointer elf(elf_begin(input.fd, ELF_C_READ, nullptr));
  GElf_Ehdr header;
  if (elf == nullptr || elf_kind(elf.get()) != ELF_K_ELF || gelf_getehdr(elf.get(), &header) == nullptr) {
    throw InputError(path, "is no ELF file");
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS32 || header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != EM_ARM) {
    throw InputError(path, "is no 32-bit Arm ELF file");
  }
  ElfFile file;
  read_segments(elf.get(), path, file);
  read_symbols(elf.get(), file);
  return file;
}

}  // namespace mote::board_sim
