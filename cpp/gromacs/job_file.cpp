// Parsing of the jobs file.
#include "job_file.h"

#include <algorithm>
#include <functional>
#include <map>
#include <sstream>

#include "error.hpp"
#include "file_access.hpp"
#include "number_in.h"
#include "text.hpp"
#include "voxel_sums.hpp"

namespace voxion_gromacs {

using voxion::Error;

namespace {

constexpr std::size_t longest_word = 1000;

std::vector<std::string> words_of(std::string line) {
  line = line.substr(0, line.find('#'));
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) {
    if (word.size() > longest_word)
      throw Error("there is a word of " + std::to_string(word.size()) +
                  " characters: " + voxion::shortened(word));
    words.push_back(word);
  }
  return words;
}

std::string joined(const std::vector<std::string> &words) {
  std::string text;
  for (const auto &word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// The words of one line, taken from the left.
class Line {
 public:
  explicit Line(std::vector<std::string> words) : words_(std::move(words)) {}

  bool empty() const { return next_ == words_.size(); }
  const std::string &peek() const { return words_[next_]; }
  std::string take(const std::string &what) {
    if (empty()) throw Error("expected " + what + " at the end of the line");
    return words_[next_++];
  }
  std::int64_t take_number(const std::string &what) {
    const std::string word = take(what + ", a whole number,");
    const auto number = number_in<std::int64_t>(word);
    if (!number || *number < 1)
      throw Error("expected " + what + ", a whole number of at least 1, found " + word);
    return *number;
  }
  void take_word(const std::string &expected) {
    const std::string word = take("the word '" + expected + "'");
    if (word != expected) throw Error("expected the word '" + expected + "', found " + word);
  }
  // Calls the action of each keyword that follows, in any order, each at most once.
  void take_keywords(const std::map<std::string, std::function<void()>> &actions) {
    std::vector<std::string> known, seen;
    for (const auto &[keyword, action] : actions) known.push_back(keyword);
    while (!empty()) {
      const std::string keyword = take("a keyword");
      const auto action = actions.find(keyword);
      if (action == actions.end())
        throw Error("unknown keyword " + keyword + "; known are " + joined(known));
      if (std::find(seen.begin(), seen.end(), keyword) != seen.end())
        throw Error("keyword " + keyword + " is given twice");
      seen.push_back(keyword);
      action->second();
    }
  }

 private:
  std::vector<std::string> words_;
  std::size_t next_ = 0;
};

int as_int(std::int64_t number, const std::string &what) {
  if (number > 1'000'000) throw Error(what + " of " + std::to_string(number) + " is too large");
  return static_cast<int>(number);
}

ElectrodePotential parse_potential(Line &line) {
  return ElectrodePotential(line.take("a potential in V, or a table of potentials (.xvg),"));
}

// couple GROUP potential V [model MODEL]
ElectrodeSettings parse_coupled(Line &line, const std::string &model) {
  ElectrodeSettings electrode{line.take("the group of the other electrode"), model, {}};
  line.take_word("potential");
  electrode.potential = parse_potential(line);
  if (!line.empty() && line.peek() == "model") {
    line.take_word("model");
    electrode.model = line.take("a model file");
  }
  return electrode;
}

// Only the difference of two potentials has a meaning.
void check_potentials(const ChargeSettings &job) {
  const auto &electrodes = job.electrodes;
  if (electrodes.size() == 1 && electrodes[0].potential)
    throw Error("keyword potential needs two electrodes: potential V couple GROUP potential V");
  if (electrodes.size() == 2 && !electrodes[0].potential)
    throw Error("the electrode of group " + electrodes[0].group + " lacks its keyword potential");
  if (electrodes.size() == 2 && electrodes[0].group == electrodes[1].group)
    throw Error("group " + electrodes[0].group + " is coupled to itself");
}

ChargeSettings parse_charge(Line &line) {
  ChargeSettings job;
  ElectrodeSettings first;
  first.group = line.take("the group of surface atoms");
  job.every = line.take_number("the number of steps between updates");
  first.model = line.take("a model file");
  job.electrodes.push_back(first);
  line.take_keywords({
      {"potential", [&] { job.electrodes[0].potential = parse_potential(line); }},
      {"couple", [&] { job.electrodes.push_back(parse_coupled(line, first.model)); }},
      {"sources", [&] { job.sources = line.take("a group of electrolyte atoms"); }},
      {"range", [&] { job.range = voxion::parse_range_check(line.take("warn, error or ignore")); }},
      {"device", [&] { job.device = line.take("cpu or cuda"); }},
      {"threads",
       [&] { job.threads = as_int(line.take_number("a number of threads"), "threads"); }},
      {"output", [&] { job.output = line.take("a file name"); }},
  });
  if (job.sources.empty())
    throw Error("keyword sources with a group of electrolyte atoms is required");
  check_potentials(job);
  return job;
}

bool is_voxel_keyword(const std::string &word) {
  return word == "file" || word == "channels" || word == "classify" || word == "spread";
}

VoxelSettings parse_voxels(Line &line) {
  VoxelSettings job;
  job.group = line.take("a group of atoms");
  job.window.every = line.take_number("Nevery");
  job.window.repeat = line.take_number("Nrepeat");
  job.window.period = line.take_number("Nfreq");
  job.window.check();
  job.shape.nx = as_int(line.take_number("nx"), "nx");
  job.shape.ny = as_int(line.take_number("ny"), "ny");
  job.shape.nz = as_int(line.take_number("nz"), "nz");
  line.take_keywords({
      {"file", [&] { job.file = line.take("the name of a store"); }},
      {"channels",
       [&] {
         while (!line.empty() && !is_voxel_keyword(line.peek()))
           job.channels.push_back(line.take("a channel"));
       }},
      {"classify", [&] { job.classifier = line.take("a model file"); }},
      {"spread",
       [&] {
         job.spread = line.take("ngp or cic");
         voxion::parse_spread(job.spread);
       }},
  });
  if (job.file.empty()) throw Error("keyword file with the name of a store is required");
  if (job.channels.empty()) throw Error("keyword channels with at least one channel is required");
  job.shape.check(job.channels.size());
  return job;
}

std::array<bool, 3> parse_pbc(Line &line) {
  const std::string pbc = line.take("xyz or xy");
  if (pbc == "xyz") return {true, true, true};
  if (pbc == "xy") return {true, true, false};
  throw Error("pbc must be xyz or xy, as in the mdp file, found " + pbc);
}

PlumedSettings parse_plumed(Line &line) {
  PlumedSettings plumed;
  plumed.file = line.take("PLUMED's input file");
  line.take_word("kernel");
  plumed.kernel = line.take("PLUMED's kernel library");
  return plumed;
}

void parse(Line &line, JobFile &jobs) {
  const std::string word = line.take("a job");
  if (word == "index")
    jobs.index = line.take("the name of a GROMACS index file");
  else if (word == "pbc")
    jobs.periodic = parse_pbc(line);
  else if (word == "charge")
    jobs.charges.push_back(parse_charge(line));
  else if (word == "voxels")
    jobs.voxels.push_back(parse_voxels(line));
  else if (word == "plumed")
    jobs.plumed = parse_plumed(line);
  else
    throw Error("unknown job " + word + "; known are index, pbc, charge, voxels and plumed");
  if (!line.empty()) throw Error("there is a word too many: " + line.peek());
}

}  // namespace

JobFile read_job_file(const std::string &path) {
  JobFile jobs;
  jobs.path = path;
  std::istringstream text(voxion::read_whole(path));
  int number = 0;
  for (std::string raw; std::getline(text, raw);) {
    ++number;
    try {
      auto words = words_of(raw);
      if (words.empty()) continue;
      Line line(std::move(words));
      parse(line, jobs);
    } catch (const Error &e) {
      throw Error(path + ", line " + std::to_string(number) + ": " + e.what());
    }
  }
  if (jobs.charges.empty() && jobs.voxels.empty())
    throw Error(path + ": there is no job; expected a line that begins with charge or voxels");
  if (jobs.index.empty())
    throw Error(path + ": a line 'index FILE.ndx' with the groups' index file is required");
  return jobs;
}

}  // namespace voxion_gromacs
