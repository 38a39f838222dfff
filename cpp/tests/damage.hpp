// Damaged copies of good texts, the same ones for the same seed; shared by the fuzzing tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace damage {

// Number of damaged copies of each text; VOXION_FUZZ_CASES asks for more.
inline int cases(int usual) {
  const char *asked = std::getenv("VOXION_FUZZ_CASES");
  return asked ? std::atoi(asked) : usual;
}

class Damage {
 public:
  explicit Damage(std::uint32_t seed) : random_(seed) {}

  std::size_t below(std::size_t bound) { return random_() % std::max<std::size_t>(bound, 1); }

  // One to four accidents: flips, cuts, gaps, repeats, words that are absurd numbers.
  std::string operator()(std::string text) {
    for (std::size_t n = 1 + below(4); n > 0 && !text.empty(); --n) {
      const std::size_t at = below(text.size());
      const std::size_t length = 1 + below(std::min<std::size_t>(40, text.size() - at));
      switch (below(6)) {
        case 0:
          text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
          break;
        case 1:
          text.resize(at);
          break;
        case 2:
          text.erase(at, length);
          break;
        case 3:
          text.insert(at, text.substr(at, length));
          break;
        case 4:
          replace_word(text, at);
          break;
        default:
          text.insert(at, repeated());
      }
    }
    return text;
  }

 private:
  // The word or number that holds the place.
  void replace_word(std::string &text, std::size_t at) {
    const std::string ends = " ,:[]{}\n\t";
    std::size_t begin = at, end = at;
    while (begin > 0 && ends.find(text[begin - 1]) == std::string::npos) --begin;
    while (end < text.size() && ends.find(text[end]) == std::string::npos) ++end;
    static const std::vector<std::string> words{
        "0",    "-1",    "1.9",        "1e300",      "-1e300",     "1e999",
        "nan",  "true",  "null",       "4294967297", "2147483648", "9223372036854775807",
        "\"\"", "\"x\"", "1000000000", "[]",         "{}",         "999999999999999999999999"};
    text.replace(begin, end - begin, words[below(words.size())]);
  }

  std::string repeated() {
    static const std::string pieces[] = {"[",  "{\"a\":", "0",  " ",
                                         "\n", "x",       ",1", std::string(1, 0)};
    static const std::size_t counts[] = {1, 3, 40, 3000};
    const std::string &piece = pieces[below(std::size(pieces))];
    std::string text;
    for (std::size_t n = counts[below(std::size(counts))]; n > 0; --n) text += piece;
    return text;
  }

  std::mt19937 random_;
};

}  // namespace damage
