#!/usr/bin/env bash
# From nothing to a trained model: build, equilibrate, sample charges with ELECTRODE, train.
#   FRAMES=40 ./build_and_train.sh [--cells 12 7] ...
# takes all options of voxion systems graphene. FRAMES=500 is the full size (100 ps); FRAMES=40 shows
# the same in some minutes. STEPS is the number of steps of equilibration.
set -euo pipefail
cd "$(dirname "$0")"
frames=${FRAMES:-40}

voxion systems graphene --out electrode "$@"
(cd electrode && lmp -in in.equilibrate -var steps "${STEPS:-10000}")
voxion charges sample electrode --out labels.zarr --frames "$frames"
voxion charges train labels.zarr --out trained
voxion inspect trained/model.pt
