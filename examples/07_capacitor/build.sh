#!/usr/bin/env bash
# Build a pair of electrodes: ./build.sh graphene|gold FOLDER [options of voxion systems]
set -euo pipefail
material=$1
folder=$2
shift 2
case "$material" in
graphene)
    voxion systems graphene --out "$folder" --cells 10 6 --charge 0 --capacitor --thickness 32 --molarity 1.0 "$@"
    ;;
gold)
    voxion systems electrodes --out "$folder" --material gold --surface 100 --layers 3 --thickness 32 --molarity 1.0 "$@"
    ;;
*)
    echo "MATERIAL must be graphene or gold, found $material" >&2
    exit 1
    ;;
esac
