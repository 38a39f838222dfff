# For scripts that fetch programs of Debian 13 for the tests, without touching the system: packages are
# unpacked into a folder of their own and run with the C library that comes with them, so that an
# older Debian will do. Sourced; the script sets `what` to the name of what it fetches.

refuse() {
  echo "$what was not fetched: $*" >&2
  exit 1
}

# unpack_debian FOLDER PACKAGE...: download the packages and unpack them into FOLDER
unpack_debian() {
  local folder=$1 suite=trixie tool mirror work package
  shift
  [ "$(uname -sm)" = "Linux x86_64" ] || refuse "the packages are for Linux on x86_64, this is $(uname -sm)"
  for tool in apt-get dpkg; do
    command -v $tool > /dev/null || refuse "$tool, of Debian and its kin, is not here"
  done
  mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 !~ /security/ {print $2; exit}')
  [ -n "$mirror" ] || refuse "no Debian mirror is set up for apt"

  # an apt of its own: state, cache and sources
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" RETURN
  mkdir -p "$work"/{state/lists/partial,cache/archives/partial}
  touch "$work/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" \
    > "$work/sources.list"
  apt() {
    apt-get -q -o Dir::State="$work/state" -o Dir::State::status="$work/status" \
      -o Dir::Cache="$work/cache" -o Dir::Etc::sourcelist="$work/sources.list" \
      -o Dir::Etc::sourceparts=- -o Dir::Etc::preferencesparts=- -o APT::Sandbox::User= \
      -o Acquire::Languages=none "$@"
  }
  apt update > "$work/log" 2>&1 || refuse "apt cannot read suite $suite: $(tail -n 1 "$work/log")"
  (cd "$work" && apt download "$@" > "$work/log" 2>&1) ||
    refuse "apt cannot download: $(tail -n 1 "$work/log")"
  mkdir -p "$folder"
  for package in "$work"/*.deb; do
    dpkg -x "$package" "$folder"
  done
}
