#!/usr/bin/env bash
# From nothing to a model of two electrodes at a voltage: build, equilibrate, sample charges with
# fix electrode/conp at 0 and 2 V, train; and score at 1 V, which the training does not see.
#   MATERIAL=gold ./build_and_train.sh [--cells 10 6] ...
# takes all options of voxion systems. All that it makes lies in a folder named after MATERIAL,
# graphene or gold. FRAMES is the number of frames, INTERVAL the time between them (ps), SETTLE the
# time before the first at each voltage (ps), STEPS the number of steps of equilibration.
set -euo pipefail
cd "$(dirname "$0")"
material=${MATERIAL:-graphene}
frames=${FRAMES:-60}
times="--interval ${INTERVAL:-0.5} --settle ${SETTLE:-5}"

./build.sh "$material" "$material/pair" "$@"
cd "$material"
(cd pair && lmp -in in.equilibrate -var steps "${STEPS:-10000}")
voxion charges sample pair --out train.zarr --potential 0 --potential 2 --frames "$frames" $times
frames=$((frames / 2))
voxion charges sample pair --out unseen.zarr --potential 1 --frames "$frames" $times
voxion charges train train.zarr --out trained --cutoff 8 --largest-wave 1.2
voxion charges score trained/model.pt unseen.zarr
