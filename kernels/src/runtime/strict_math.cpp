// SPDX-License-Identifier: Apache-2.0
// Refuses a build in which the compiler may compute with floats otherwise than written: NaN checks
// would be dropped and results would be others. cmake/AccreteCompile.cmake takes such flags back;
// this is for where it cannot, as for flags of single files or another build system.
#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || \
    defined(__NO_SIGNED_ZEROS__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error \
    "Accrete cannot be built with -ffast-math, -Ofast or a part of them: remove it from the flags."
#endif
