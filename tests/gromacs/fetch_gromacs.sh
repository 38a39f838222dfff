#!/usr/bin/env bash
# Fetches the GROMACS of Debian 13 (2025.2, thread-MPI, single and double precision) for the tests.
#
#   tests/gromacs/fetch_gromacs.sh [FOLDER]      (default: .gromacs in the project)
#
# leaves FOLDER/bin/gmx and gmx_d. Does nothing where that is there already.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/debian.sh
. "$here/../debian.sh"

what=GROMACS
folder=$(realpath -m "${1:-"$here/../../.gromacs"}")
packages=(gromacs gromacs-data libgromacs10 libblas3 liblapack3 libc6 libcap2 libfftw3-double3 libfftw3-single3 libgcc-s1
  libgfortran5 libgomp1 libhwloc15 libmuparser2v5 libstdc++6 libudev1 zlib1g)

[ -x "$folder/bin/gmx_d" ] && exit 0
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
unpack_debian "$unpacked" "${packages[@]}"

# their own loader finds their own libraries
mkdir -p "$unpacked/bin"
for program in gmx gmx_d; do
  cat > "$unpacked/bin/$program" << 'WRAPPER'
#!/bin/sh
R=$(cd "$(dirname "$0")/.." && pwd)
L=$R/usr/lib/x86_64-linux-gnu
N=$(basename "$0")
export GMXLIB="${GMXLIB:-$R/usr/share/gromacs/top}"
exec "$R/usr/lib64/ld-linux-x86-64.so.2" --library-path "$L:$L/blas:$L/lapack" --argv0 "$N" \
  "$R/usr/bin/$N" "$@"
WRAPPER
  chmod +x "$unpacked/bin/$program"
done
version=$("$unpacked/bin/gmx" --version 2>&1 | sed -n 's/^GROMACS version: */GROMACS /p')
[ -n "$version" ] || refuse "gmx does not start"
mkdir -p "$(dirname "$folder")"
rm -rf "$folder"
mv "$unpacked" "$folder"
echo "$version in $folder"
