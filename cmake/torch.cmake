# The torch that voxion is built for. Torch's own CMake package insists on a CUDA toolkit where torch
# was built with CUDA; its headers and CPU libraries are all that is needed here.
find_python_package(torch VOXION_TORCH_DIR)
read_match("${VOXION_TORCH_DIR}/version.py" "__version__ = '([0-9]+\\.[0-9]+\\.[0-9]+)" VOXION_TORCH_VERSION)

# pip keeps headers and libraries in the package; conda and Debian in their prefix.
get_filename_component(torch_prefix "${VOXION_TORCH_DIR}/../../../.." ABSOLUTE)
find_path(VOXION_TORCH_INCLUDE torch/csrc/api/include/torch/all.h
  HINTS "${VOXION_TORCH_DIR}/include" "${torch_prefix}/include" REQUIRED NO_CACHE)
find_library(torch_library torch
  HINTS "${VOXION_TORCH_DIR}/lib" "${torch_prefix}/lib" REQUIRED NO_CACHE)
get_filename_component(VOXION_TORCH_LIBRARIES "${torch_library}" DIRECTORY)
# torch's wheels bring an OpenMP runtime of their own, which this process has to share
file(GLOB torch_openmp "${VOXION_TORCH_LIBRARIES}/libgomp*.so*")
if(NOT torch_openmp)
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  set(torch_openmp OpenMP::OpenMP_CXX)
endif()
add_library(voxion_torch INTERFACE)
target_include_directories(voxion_torch SYSTEM INTERFACE
  "${VOXION_TORCH_INCLUDE}" "${VOXION_TORCH_INCLUDE}/torch/csrc/api/include")
target_link_directories(voxion_torch INTERFACE "${VOXION_TORCH_LIBRARIES}")
target_link_libraries(voxion_torch INTERFACE
  -Wl,--no-as-needed torch torch_cpu c10 -Wl,--as-needed ${torch_openmp})

# Where a library finds torch's libraries when it runs, told the way from its folder to site-packages:
# there, or in the prefix around it (conda, Debian).
function(run_with_torch target site_packages)
  set_target_properties(${target} PROPERTIES
    INSTALL_RPATH "$ORIGIN/${site_packages}/torch/lib;$ORIGIN/${site_packages}/../.."
    BUILD_RPATH "${VOXION_TORCH_LIBRARIES}" LINK_OPTIONS "-Wl,--disable-new-dtags")
endfunction()
