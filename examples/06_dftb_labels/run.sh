#!/usr/bin/env bash
# The loop of a solver and MD, a model that learns from it, and its score on a run of its own.
# DFTB+ solves if dftb+ is on the PATH and DFTB_SKF names the folder of its C-C.skf; else ELECTRODE.
#   FRAMES=24 INTERVAL=0.5 ./run.sh [--cells 9 5] ...
# takes all options of voxion systems graphene, and shows it in two minutes; INTERVAL=5 is the
# paper's. STEPS is the number of steps of equilibration.
set -euo pipefail
cd "$(dirname "$0")"
frames=${FRAMES:-24}
interval=${INTERVAL:-0.5}

if command -v dftb+ >/dev/null && [ -n "${DFTB_SKF:-}" ]; then
    solver=(--source dftb --parameters "$DFTB_SKF")
    echo "Charges come from $(command -v dftb+) with $DFTB_SKF/C-C.skf."
else
    solver=(--source electrode)
    echo "No dftb+ on the PATH, or DFTB_SKF not set: charges come from LAMMPS's ELECTRODE instead."
fi

voxion systems graphene --out electrode --cells 9 5 --charge -2 --thickness 22 --molarity 1 "$@"
(cd electrode && lmp -in in.equilibrate -screen none -var steps "${STEPS:-10000}")

# MD for an interval, charges from the solver into the running simulation, and so on
voxion charges couple electrode --out loop.zarr "${solver[@]}" --interval "$interval" --frames "$frames"
voxion charges train loop.zarr --out trained

# MD with the model, its frames labelled by the same solver, and how far the two are apart
voxion charges run electrode trained/model.pt --out run.zarr --frames 8 --interval "$interval"
voxion charges label electrode run.zarr --out solved.zarr "${solver[@]}"
voxion charges score trained/model.pt solved.zarr
python plot.py
