#!/usr/bin/env bash
# What charges that lag behind the electrolyte take from a run of mdrun: the drift of its conserved
# energy, with the charges of the demo's model fixed, predicted at every pair search, and at every
# step.
#   studies/mdrun_drag.sh FOLDER
# STEPS is the number of steps of each run (2 fs), EQUILIBRATION that before.
set -euo pipefail
mkdir -p "$1"
cd "$1"
steps=${STEPS:-5000}
model=$(python -c 'from voxion.demo import model_path; print(model_path())')

voxion systems graphene --out sheet --engine gromacs --cells 10 6 --charge -2 --thickness 25
cd sheet
system="-c conf.gro -p topol.top -n index.ndx"
gmx grompp -f em.mdp $system -o em.tpr
gmx mdrun -ntmpi 1 -deffnm em
gmx grompp -f equilibrate.mdp $system -t em.trr -o equilibrate.tpr
gmx mdrun -ntmpi 1 -deffnm equilibrate -nsteps "${EQUILIBRATION:-5000}"
# energies on steps of pair searches, where all of them are of one set of charges
sed 's/^nstenergy .*/nstenergy = 50/' md.mdp > drag.mdp
echo 'nstcalcenergy = 50' >> drag.mdp
gmx grompp -f drag.mdp $system -t equilibrate.cpt -o md.tpr
for every in 1 10 $((10 * steps)); do
    printf 'index index.ndx\npbc xy\ncharge surface %s %s sources electrolyte\n' "$every" "$model" \
        > "every-$every.dat"
    voxion mdrun --jobs "every-$every.dat" -s md.tpr -deffnm "every-$every" -nsteps "$steps"
    echo Conserved | gmx energy -f "every-$every.edr" -o "every-$every.xvg" -xvg none
done
for every in 1 10 $((10 * steps)); do
    awk -v every="$every" 'NR == 2 { first = $2; begin = $1 } { last = $2; end = $1 }
        END { printf "charges every %d steps: %.1f kJ/mol in %g ps\n", every, last - first, end - begin }' \
        "every-$every.xvg"
done
