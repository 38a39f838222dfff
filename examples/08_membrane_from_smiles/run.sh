#!/usr/bin/env bash
# From the SMILES of a sulfonated membrane to its activity coefficient, at toy size:
#   ./run.sh
# With the sizes of publications: EDGE=40 SCALE=1 BLOCK=50000 FRAMES=2000 EVERY=500 SEEDS=3 ./run.sh
set -euo pipefail
cd "$(dirname "$0")"
# a model of measured data; without one, of the embedded synthetic data
MODEL=${MODEL:-fitted/model.pt}
[ -e "$MODEL" ] || voxion activity fit --out fitted
voxion activity simulate membranes.csv --out membranes --model "$MODEL" --label "${LABEL:-toy size}" \
    --seeds "${SEEDS:-2}" --edge "${EDGE:-21}" --scale "${SCALE:-0.005}" --block "${BLOCK:-2500}" \
    --blocks 40 --frames "${FRAMES:-60}" --every "${EVERY:-100}" --jobs "${JOBS:-2}"
