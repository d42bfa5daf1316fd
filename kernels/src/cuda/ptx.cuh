// SPDX-License-Identifier: Apache-2.0
// Every PTX instruction that kernels use, once as inline PTX and once as a call into the host
// executor. All are of the sm_80 baseline. Semantics: PTX ISA 8, sections named at each function.
#pragma once

#include "cuda/platform.cuh"
#if defined(ACCRETE_SIMT)
#include "simt/instructions.h"
#endif

namespace accrete::kernels::cuda {

namespace ptx {

#if defined(ACCRETE_SIMT)

inline void cp_async_16(void* shared, const void* global, bool valid) {
  simt::async_copy(shared, global, 16, valid);
}
inline void cp_async_8(void* shared, const void* global, bool valid) {
  simt::async_copy(shared, global, 8, valid);
}
inline void cp_async_4(void* shared, const void* global, bool valid) {
  simt::async_copy(shared, global, 4, valid);
}
inline void cp_async_commit() {
  simt::async_commit();
}
template <int N>
void cp_async_wait() {
  simt::async_wait(N);
}
inline void ldmatrix_x4(std::uint32_t (&d)[4], const void* row) {
  simt::load_matrices(d, 4, false, row);
}
inline void ldmatrix_x4_trans(std::uint32_t (&d)[4], const void* row) {
  simt::load_matrices(d, 4, true, row);
}
inline void ldmatrix_x2(std::uint32_t (&d)[2], const void* row) {
  simt::load_matrices(d, 2, false, row);
}
inline void ldmatrix_x2_trans(std::uint32_t (&d)[2], const void* row) {
  simt::load_matrices(d, 2, true, row);
}
inline void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  simt::mma_bf16(d, a, b);
}
inline void mma_tf32(float (&d)[4], const std::uint32_t (&a)[4], const std::uint32_t (&b)[2]) {
  simt::mma_tf32(d, a, b);
}
inline std::uint32_t to_tf32(float value) {
  return simt::to_tf32(value);
}
inline std::uint32_t to_bf16x2(float low, float high) {
  return simt::to_bf16x2(low, high);
}
inline std::uint32_t to_bf16x2_relu(float low, float high) {
  return simt::to_bf16x2_relu(low, high);
}
inline std::uint32_t increment_release(std::uint32_t* counter, std::uint32_t limit) {
  return simt::increment_release(counter, limit);
}
inline void fence_acq_rel() {
  simt::fence_acq_rel();
}
template <class T>
T* opaque(T* address) {
  return address;
}
template <class T>
const T* global_in_register(const T* address) {
  return address;
}
template <class T>
T* shared_in_register(T* address) {
  return address;
}

#else

__device__ __forceinline__ std::uint32_t shared_address(const void* pointer) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(pointer));
}

/// "cp.async": 16 bytes to shared memory, zeros when not `valid`, and then nothing is read; both
/// addresses 16-byte aligned in either case.
__device__ __forceinline__ void cp_async_16(void* shared, const void* global, bool valid) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(shared_address(shared)),
               "l"(global), "r"(valid ? 16 : 0)
               : "memory");
}
__device__ __forceinline__ void cp_async_8(void* shared, const void* global, bool valid) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;\n" ::"r"(shared_address(shared)),
               "l"(global), "r"(valid ? 8 : 0)
               : "memory");
}
__device__ __forceinline__ void cp_async_4(void* shared, const void* global, bool valid) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;\n" ::"r"(shared_address(shared)),
               "l"(global), "r"(valid ? 4 : 0)
               : "memory");
}
__device__ __forceinline__ void cp_async_commit() {
  asm volatile("cp.async.commit_group;\n" ::: "memory");
}
/// Waits until at most N of this thread's groups are under way; says nothing of other threads.
template <int N>
__device__ __forceinline__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;\n" ::"n"(N) : "memory");
}

/// "ldmatrix": matrix i of 8x8 16-bit elements has its row r where lane 8 * i + r points; lane
/// 4 g + t gets in d[i] elements 2 t and 2 t + 1 of its row g, with _trans of its column g.
__device__ __forceinline__ void ldmatrix_x4(std::uint32_t (&d)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(shared_address(row))
               : "memory");
}
__device__ __forceinline__ void ldmatrix_x4_trans(std::uint32_t (&d)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];\n"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(shared_address(row))
               : "memory");
}
__device__ __forceinline__ void ldmatrix_x2(std::uint32_t (&d)[2], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];\n"
               : "=r"(d[0]), "=r"(d[1])
               : "r"(shared_address(row))
               : "memory");
}
__device__ __forceinline__ void ldmatrix_x2_trans(std::uint32_t (&d)[2], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];\n"
               : "=r"(d[0]), "=r"(d[1])
               : "r"(shared_address(row))
               : "memory");
}

/// "mma": d [16,8] f32 += a [16,16] * b [16,8], bf16 operands.
__device__ __forceinline__ void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4],
                                         const std::uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
/// d [16,8] f32 += a [16,8] * b [8,8], tf32 operands.
__device__ __forceinline__ void mma_tf32(float (&d)[4], const std::uint32_t (&a)[4],
                                         const std::uint32_t (&b)[2]) {
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%0,%1,%2,%3};\n"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
/// "cvt.rna.tf32.f32": to nearest, ties away from zero.
__device__ __forceinline__ std::uint32_t to_tf32(float value) {
  std::uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;\n" : "=r"(bits) : "f"(value));
  return bits;
}
/// "cvt.rn.bf16x2.f32": both to nearest, ties to even, `low` in the lower half; NaN becomes 0x7FFF.
__device__ __forceinline__ std::uint32_t to_bf16x2(float low, float high) {
  std::uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
/// "cvt.rn.relu.bf16x2.f32": the same, and below zero becomes +0.
__device__ __forceinline__ std::uint32_t to_bf16x2_relu(float low, float high) {
  std::uint32_t pair;
  asm("cvt.rn.relu.bf16x2.f32 %0, %1, %2;\n" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

/// "atom.inc" with release semantics for the whole GPU: what the counter in global memory held; it
/// then holds one more, or 0 if that was `limit` or more. What this thread has written, and what
/// barriers have made known to it, comes before it ("Memory Consistency Model", release pattern).
__device__ __forceinline__ std::uint32_t increment_release(std::uint32_t* counter,
                                                           std::uint32_t limit) {
  std::uint32_t held;
  asm volatile("atom.release.gpu.global.inc.u32 %0, [%1], %2;\n"
               : "=r"(held)
               : "l"(counter), "r"(limit)
               : "memory");
  return held;
}
/// "fence.acq_rel" for the whole GPU: what the atomics in front of it have heard comes before what
/// this thread does behind it, and other threads behind a further barrier.
__device__ __forceinline__ void fence_acq_rel() {
  asm volatile("fence.acq_rel.gpu;\n" ::: "memory");
}

/// Not an instruction: an address of which the compiler does not know what it was made of, so that
/// it does not put it together anew from all its parts at every use.
template <class T>
__device__ __forceinline__ T* opaque(T* address) {
  asm("" : "+l"(address));
  return address;
}
/// The same, of global memory, kept in a register.
template <class T>
__device__ __forceinline__ const T* global_in_register(const T* address) {
  std::size_t number = __cvta_generic_to_global(address);
  asm volatile("" : "+l"(number));
  return static_cast<const T*>(__cvta_global_to_generic(number));
}
/// The same, of shared memory.
template <class T>
__device__ __forceinline__ T* shared_in_register(T* address) {
  auto number = static_cast<std::uint32_t>(__cvta_generic_to_shared(address));
  asm volatile("" : "+r"(number));
  return static_cast<T*>(__cvta_shared_to_generic(number));
}

#endif

}  // namespace ptx
}  // namespace accrete::kernels::cuda
