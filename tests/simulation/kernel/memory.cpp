#include "tests/simulation/kernel/memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "tests/simulation/kernel/random.hpp"

namespace pgweir::simulation {
namespace {

struct State {
  bool is_programs = false;  // what is allocated now
  std::size_t in_use = 0;
  std::size_t most = 0;
  Random* random = nullptr;
  double refused = 0;
};
State state;

// In front of each piece; as large as the strictest alignment that operator new without one has to give.
struct alignas(std::max_align_t) Header {
  std::size_t size = 0;
  bool is_programs = false;
};

void* allocate(std::size_t size) {
  if (state.is_programs && state.random != nullptr && size >= ProgramMemory::large &&
      state.random->chance(state.refused))
    throw std::bad_alloc();
  void* const place = std::malloc(size + sizeof(Header));
  if (place == nullptr) throw std::bad_alloc();
  auto* const header = new (place) Header{size, state.is_programs};
  if (state.is_programs) {
    state.in_use += size;
    state.most = std::max(state.most, state.in_use);
  }
  return header + 1;
}

void release(void* piece) {
  if (piece == nullptr) return;
  auto* const header = static_cast<Header*>(piece) - 1;
  if (header->is_programs) state.in_use -= header->size;
  std::free(header);
}

}  // namespace

std::size_t ProgramMemory::in_use() {
  return state.in_use;
}

std::size_t ProgramMemory::most() {
  return state.most;
}

void ProgramMemory::refuse(Random* random, double chance) {
  state.random = random;
  state.refused = chance;
}

Allocates::Allocates(Who who) : before_(state.is_programs) {
  state.is_programs = who == Who::program;
}

Allocates::~Allocates() {
  state.is_programs = before_;
}

}  // namespace pgweir::simulation

void* operator new(std::size_t size) {
  return pgweir::simulation::allocate(size);
}
void* operator new[](std::size_t size) {
  return pgweir::simulation::allocate(size);
}
void operator delete(void* piece) noexcept {
  pgweir::simulation::release(piece);
}
void operator delete[](void* piece) noexcept {
  pgweir::simulation::release(piece);
}
void operator delete(void* piece, std::size_t /*size*/) noexcept {
  pgweir::simulation::release(piece);
}
void operator delete[](void* piece, std::size_t /*size*/) noexcept {
  pgweir::simulation::release(piece);
}
