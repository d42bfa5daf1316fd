// SPDX-License-Identifier: Apache-2.0
// What images ask of the host's memory, what is said when it cannot be had, and in whose words.
#pragma once

#include <cstdint>
#include <new>
#include <stdexcept>
#include <string>

#include "accrete/data/dataset.h"

namespace accrete::data {

/// "12 MiB", rounded up.
std::string mebibytes(std::int64_t bytes);

/// What `names` call a field.
inline std::string named(const FieldNames& names, const std::string& field) {
  return names ? names(field) : field;
}

/// Throws Error(out_of_memory) with both sizes and the cure if this process cannot get `bytes`. To
/// be asked before memory is filled: a system that promises more than it has kills who fills it.
void require_memory(std::int64_t bytes, const std::string& what, const std::string& cure);

/// Throws the Error(out_of_memory) of an allocation that failed.
[[noreturn]] void refuse_memory(const std::string& what);

/// body(); an allocation in it that fails becomes Error(out_of_memory) saying what it was for, a
/// literal or a string.
template <class What, class Body>
auto reporting_memory(const What& what, Body&& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    refuse_memory(what);
  } catch (const std::length_error&) {  // more than a container can ever hold
    refuse_memory(what);
  }
}

}  // namespace accrete::data
