#!/usr/bin/env bash
# Fetches the GROMACS of Debian 13 (2025.2, thread-MPI, single and double precision) for the tests,
# without touching the system: its packages are unpacked into a folder of their own and run with the C
# library that comes with them, so that an older Debian will do.
#
#   tests/gromacs/fetch_gromacs.sh [FOLDER]      (default: .gromacs in the project)
#
# leaves FOLDER/bin/gmx and gmx_d. Does nothing where that is there already.
set -euo pipefail

folder=$(realpath -m "${1:-"$(dirname "$0")/../../.gromacs"}")
suite=trixie
packages=(gromacs gromacs-data libgromacs10 libblas3 liblapack3 libc6 libcap2 libfftw3-double3 libfftw3-single3 libgcc-s1
  libgfortran5 libgomp1 libhwloc15 libmuparser2v5 libstdc++6 libudev1 zlib1g)

refuse() {
  echo "GROMACS was not fetched: $*" >&2
  exit 1
}

[ -x "$folder/bin/gmx_d" ] && exit 0
[ "$(uname -sm)" = "Linux x86_64" ] || refuse "the packages are for Linux on x86_64, this is $(uname -sm)"
for tool in apt-get dpkg; do
  command -v $tool > /dev/null || refuse "$tool, of Debian and its kin, is not here"
done
mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
  awk '$1 == "Debian" && $2 !~ /security/ {print $2; exit}')
[ -n "$mirror" ] || refuse "no Debian mirror is set up for apt"

# an apt of its own: state, cache and sources
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,unpacked}
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
(cd "$work" && apt download "${packages[@]}" > "$work/log" 2>&1) ||
  refuse "apt cannot download: $(tail -n 1 "$work/log")"
for package in "$work"/*.deb; do
  dpkg -x "$package" "$work/unpacked"
done

# their own loader finds their own libraries
mkdir -p "$work/unpacked/bin"
for program in gmx gmx_d; do
  cat > "$work/unpacked/bin/$program" << 'WRAPPER'
#!/bin/sh
R=$(cd "$(dirname "$0")/.." && pwd)
L=$R/usr/lib/x86_64-linux-gnu
N=$(basename "$0")
export GMXLIB="${GMXLIB:-$R/usr/share/gromacs/top}"
exec "$R/usr/lib64/ld-linux-x86-64.so.2" --library-path "$L:$L/blas:$L/lapack" --argv0 "$N" \
  "$R/usr/bin/$N" "$@"
WRAPPER
  chmod +x "$work/unpacked/bin/$program"
done
"$work/unpacked/bin/gmx" --version > "$work/log" 2>&1 || refuse "gmx does not start: $(tail -n 1 "$work/log")"
mkdir -p "$(dirname "$folder")"
rm -rf "$folder"
mv "$work/unpacked" "$folder"
echo "$(sed -n 's/^GROMACS version: */GROMACS /p' "$work/log") in $folder"
