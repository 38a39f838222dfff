#!/usr/bin/env bash
# Train the classifier on all stores that make_phases.py left, and export it.
# EPOCHS=50 is the paper's number; 10 are enough to see it learn.
set -euo pipefail
cd "$(dirname "$0")"
labelled=()
for lambda in 0 1 2 3 4 5 6 8 10 12 15 18 21 25 32 40; do
    for store in phases/lambda-"$lambda"-run-*.zarr; do
        labelled+=("$lambda=$store")
    done
done
voxion voxels train "${labelled[@]}" --out trained --epochs "${EPOCHS:-10}"
voxion inspect trained/model.pt
