#!/usr/bin/env bash
# Models of activity coefficients: fit, ask for a new membrane, score honestly, look inside.
# DATA=activity.csv MOLECULES=molecules.csv ./run.sh takes your data instead of the synthetic ones.
set -euo pipefail
cd "$(dirname "$0")"
given=()
if [[ -n "${DATA:-}" ]]; then
    given=("$DATA" "${MOLECULES:?the file with the SMILES of DATA}")
fi

voxion activity fit "${given[@]}" --out fitted --force
voxion activity predict fitted/model.pt new.csv new_molecules.csv \
    --out predictions.csv --force
voxion activity evaluate "${given[@]}" --split leave-one-polymer-out
voxion activity fit "${given[@]}" --model graph-descriptors --out network --force
voxion activity explain network/model.pt "${given[@]}" --out explained --force
