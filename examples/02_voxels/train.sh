#!/usr/bin/env bash
# Train the classifier on all stores that make_phases.py left, and export it.
#   ./train.sh --out trained [--epochs 50] [--split run] [--augment] ...
# takes all options of voxion voxels train.
set -euo pipefail
cd "$(dirname "$0")"
labelled=()
for lambda in 0 1 2 3 4 5 6 8 10 12 15 18 21 25 32 40; do
    for store in phases/lambda-"$lambda"-run-*.zarr; do
        if [ -d "$store" ]; then labelled+=("$lambda=$store"); fi
    done
done
voxion voxels train "${labelled[@]}" "$@"
