// Reads the JSON of a contract; every complaint names the model and the key.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "contract.hpp"

namespace voxion {

class ContractReader {
 public:
  using Json = nlohmann::json;

  // Throws Error unless the text is a contract of this version, of this kind and in voxion's units.
  // `model` is the model's name in the messages, `exporter` the command that writes such models.
  ContractReader(const std::string &text, std::string model, const std::string &kind,
                 std::string exporter);

  [[noreturn]] void fail(const std::string &problem) const;
  bool has(const char *key) const { return json_.contains(key) && !json_[key].is_null(); }

  template <typename T>
  T get(const char *key, const char *expected) const {
    return get<T>(json_, key, expected);
  }

  template <typename T>
  T get(const Json &object, const char *key, const char *expected) const {
    if (!object.contains(key)) fail("its contract lacks '" + std::string(key) + "'");
    try {
      return object[key].get<T>();
    } catch (const Json::exception &) {
      fail("its contract's '" + std::string(key) + "' must be " + expected + ", found " +
           object[key].dump());
    }
  }

  void require(const char *key, const std::string &value) const;
  ContractCommon common() const;
  InputRanges ranges(std::size_t count) const;

 private:
  std::string data_hash() const;

  std::string model_, exporter_;
  Json json_;
};

}  // namespace voxion
