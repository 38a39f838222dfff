#!/usr/bin/env bash
# From nothing to a trained model: build, equilibrate, sample charges with ELECTRODE, train.
# FRAMES=500 is the full size (100 ps); FRAMES=40 shows the same in some minutes.
set -euo pipefail
cd "$(dirname "$0")"
frames=${FRAMES:-40}

voxion systems graphene --out electrode
(cd electrode && lmp -in in.equilibrate)
voxion charges sample electrode --out labels.zarr --frames "$frames"
voxion charges train labels.zarr --out trained
voxion inspect trained/model.pt
