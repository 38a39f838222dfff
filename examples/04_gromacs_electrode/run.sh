#!/usr/bin/env bash
# From nothing to a run whose charges answer to the electrolyte: build, minimise, equilibrate, run
# 10 ps in two parts. All that it makes lies in the folder `electrode`.
#   ./run.sh [--cells 12 7] ...
# takes all options of voxion systems graphene. OMP_NUM_THREADS sets the number of mdrun's threads,
# STEPS the number of steps of equilibration.
set -euo pipefail
cd "$(dirname "$0")"

voxion systems graphene --out electrode --engine gromacs "$@"
cp voxion.dat electrode
cp "$(python -c 'from voxion.demo import model_path; print(model_path())')" electrode/model.pt
cd electrode
system="-c conf.gro -p topol.top -n index.ndx"

gmx grompp -f em.mdp $system -o em.tpr
gmx mdrun -ntmpi 1 -deffnm em
gmx grompp -f equilibrate.mdp $system -t em.trr -o equilibrate.tpr
gmx mdrun -ntmpi 1 -deffnm equilibrate -nsteps "${STEPS:-10000}"

made="-f md.mdp $system -t equilibrate.cpt"
gmx grompp $made -o md.tpr
# ends in the middle of a window of voxels
voxion mdrun --jobs voxion.dat -deffnm md -nsteps 2200
# goes on with the charges and the window of the checkpoint
voxion mdrun --jobs voxion.dat --grompp "$made" -deffnm md -cpi -nsteps 2800
