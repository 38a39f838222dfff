#!/usr/bin/env bash
# Fetches the LAMMPS of Debian 13 (4 Feb 2025, Open MPI, without the package PLUGIN) for the tests.
#
#   tests/sites/fetch_lammps.sh [FOLDER]      (default: .lammps in the project)
#
# leaves in FOLDER/usr/programs: lmp, mpirun, mpicxx, and in-prefix, which runs a program of this
# machine, such as Python, with the libraries there. Does nothing where that is there already.
set -euo pipefail
here=$(dirname "$0")
# shellcheck source=tests/debian.sh
. "$here/../debian.sh"

what=LAMMPS
folder=$(realpath -m "${1:-"$here/../../.lammps"}")
packages=(lammps liblammps0t64 liblammps-dev python3-lammps openmpi-bin openmpi-common libopenmpi40
  libopenmpi-dev libpython3.13 libpython3.13-minimal libpython3.13-stdlib
  ibverbs-providers libaec0 libblas3 libbrotli1 libc6 libcap2 libcom-err2 libcurl3t64-gnutls
  libcurl4t64 libdouble-conversion3 libevent-core-2.1-7t64 libevent-pthreads-2.1-7t64 libexpat1
  libfabric1 libffi8 libfftw3-double3 libgcc-s1 libgfortran5 libgmp10 libgnutls30t64 libgomp1
  libgssapi-krb5-2 libhdf5-310 libhdf5-hl-310 libhogweed6t64 libhwloc15 libibverbs1 libidn2-0
  libjpeg62-turbo libk5crypto3 libkeyutils1 libkim-api2 libkrb5-3 libkrb5support0 liblapack3 libldap2
  liblz4-1 liblzma5 libmunge2 libnetcdf22 libnettle8t64 libnghttp2-14 libnghttp3-9 libngtcp2-16
  libngtcp2-crypto-gnutls8 libnl-3-200 libnl-route-3-200 libnuma1 libp11-kit0 libpmix2t64 libpnetcdf6
  libpng16-16t64 libpsl5t64 libpsm2-2 librdmacm1t64 librtmp1 libsasl2-2 libssh2-1t64 libssl3t64
  libstdc++6 libsz2 libtasn1-6 libtbb12 libucx0 libudev1 libunistring5 libvoro++1 libvtk9.3 libxml2
  libxxhash0 libzstd1 zlib1g)

[ -x "$folder/usr/programs/lmp" ] && exit 0
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
unpack_debian "$unpacked" "${packages[@]}"

programs=$unpacked/usr/programs
mkdir -p "$programs"
cat > "$programs/in-prefix" << 'WRAPPER'
#!/bin/bash
# Runs a program with the C library and the libraries of this prefix.
R=$(cd "$(dirname "$0")/../.." && pwd)
L=$R/usr/lib/x86_64-linux-gnu
export OPAL_PREFIX="$R/usr" PRTE_PREFIX="$R/usr" PMIX_PREFIX="$R/usr" OMPI_MCA_btl=self,sm
exec "$R/usr/lib64/ld-linux-x86-64.so.2" --library-path "$L:$L/blas:$L/lapack:$L/pmix2/lib" \
  --argv0 "${NAME:-$1}" "$(readlink -f "$1")" "${@:2}"
WRAPPER
cat > "$programs/lmp" << 'WRAPPER'
#!/bin/bash
R=$(cd "$(dirname "$0")/../.." && pwd)
PYTHONHOME="$R/usr" exec "$R/usr/programs/in-prefix" "$R/usr/bin/lmp" "$@"
WRAPPER
cat > "$programs/mpirun" << 'WRAPPER'
#!/bin/bash
# Open MPI's mpirun does nothing but start this, by a path that misses the prefix's loader.
R=$(cd "$(dirname "$0")/../.." && pwd)
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
NAME=prterun exec "$R/usr/programs/in-prefix" "$R/usr/bin/prte" --personality ompi \
  --map-by :OVERSUBSCRIBE "$@"
WRAPPER
cat > "$programs/mpicxx" << 'WRAPPER'
#!/bin/bash
R=$(cd "$(dirname "$0")/../.." && pwd)
exec g++ -I"$R/usr/lib/x86_64-linux-gnu/openmpi/include" "$@"
WRAPPER
chmod +x "$programs"/*
version=$("$programs/lmp" -h 2>&1 | sed -n 's/.*Simulator - /LAMMPS /p')
[ -n "$version" ] || refuse "lmp does not start"
mkdir -p "$(dirname "$folder")"
rm -rf "$folder"
mv "$unpacked" "$folder"
echo "$version in $folder"
