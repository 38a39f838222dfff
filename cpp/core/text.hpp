// Texts of others in messages.
#pragma once

#include <string>

namespace voxion {

// The text in one line and not too long: control characters become blanks.
inline std::string shortened(std::string text, std::size_t longest = 80) {
  if (text.size() > longest) text = text.substr(0, longest) + "...";
  for (char &c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return text;
}

}  // namespace voxion
