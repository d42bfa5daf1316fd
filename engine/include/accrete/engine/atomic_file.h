// SPDX-License-Identifier: Apache-2.0
// Replacing a file so that readers see the old contents or the new, never a part, whenever the
// process or the machine stops. Every failure is Error(io) with path and reason.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "accrete/kernels/file_descriptor.h"

namespace accrete {

/// Where a file's new contents lie until they are whole.
inline std::string temporary_of(const std::string& path) {
  return path + ".tmp";
}

/// Writes to temporary_of(path) piece by piece; commit() makes it `path` durably. Destroyed without
/// commit(), it removes the temporary file. A temporary file that is there already is removed
/// first, never opened: it may be a link to somebody's file. One writer at a time.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void commit();

 private:
  std::string path_;
  std::string temporary_;
  FileDescriptor descriptor_;
};

/// Makes `text` the contents of `path`.
void replace_file(const std::string& path, std::string_view text);

/// Makes `path` another name of the file `target`, which takes no space, in the same way. Returns
/// false, and changes nothing, where that cannot be: the file system has no links, or `target` has
/// none left.
bool replace_with_link(const std::string& target, const std::string& path);

/// Has the name `path` on disk, where the file system can: a new file or folder is not lost with
/// its name then.
void flush_folder_of(const std::string& path);

/// Appends `text` to `path`, which need not exist, and has it on disk when it returns. On a failure
/// the file ends where it ended before. A link is not followed.
void append_to_file(const std::string& path, std::string_view text);

}  // namespace accrete
