#!/usr/bin/env bash
# The same pair in GROMACS, at three voltages. All that it makes lies in the folder `gromacs` of the
# material's.
#   MATERIAL=gold MODEL=gold/trained/model.pt ./run_gromacs.sh [--cells 10 6] ...
# STEPS is the number of steps of equilibration, RUN that at each voltage.
set -euo pipefail
cd "$(dirname "$0")"
material=${MATERIAL:-graphene}
model=$(realpath "${MODEL:-$material-conp.pt}")

./build.sh "$material" "$material/gromacs" --engine gromacs "$@"
cd "$material/gromacs"
system="-c conf.gro -p topol.top -n index.ndx"
gmx grompp -f em.mdp $system -o em.tpr
gmx mdrun -ntmpi 1 -deffnm em
gmx grompp -f equilibrate.mdp $system -t em.trr -o equilibrate.tpr
gmx mdrun -ntmpi 1 -deffnm equilibrate -nsteps "${STEPS:-10000}"
gmx grompp -f md.mdp $system -t equilibrate.cpt -o md.tpr
for voltage in 0 1 2; do
    cat > "$voltage.dat" <<END
index index.ndx
pbc xy
charge lower 1 $model sources electrolyte potential 0 couple upper potential $voltage output $voltage.xvg
END
    voxion mdrun --jobs "$voltage.dat" -s md.tpr -deffnm "$voltage" -nsteps "${RUN:-10000}"
done
