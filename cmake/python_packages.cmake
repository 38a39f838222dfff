# Finds headers and libraries inside packages of the Python environment that builds voxion.

# The folder of an importable package, without importing it.
function(find_python_package name result)
  execute_process(
    COMMAND ${Python_EXECUTABLE} -c
            "import importlib.util as u; s = u.find_spec('${name}'); print(list(s.submodule_search_locations)[0] if s else '')"
    OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  if(NOT folder)
    message(FATAL_ERROR "voxion needs the Python package '${name}' to build: pip install ${name}")
  endif()
  set(${result} "${folder}" PARENT_SCOPE)
endfunction()

# The first capture of a pattern in a file.
function(read_match file pattern result)
  file(READ "${file}" text)
  if(NOT text MATCHES "${pattern}")
    message(FATAL_ERROR "${file} does not state what was looked for: ${pattern}")
  endif()
  set(${result} "${CMAKE_MATCH_1}" PARENT_SCOPE)
endfunction()

# Torch's own CMake package insists on a CUDA toolkit where torch was built with CUDA; its headers
# and CPU libraries are all that is needed here.
find_python_package(torch VOXION_TORCH_DIR)
read_match("${VOXION_TORCH_DIR}/version.py" "__version__ = '([0-9.]+)" VOXION_TORCH_VERSION)
add_library(voxion_torch INTERFACE)
target_include_directories(voxion_torch SYSTEM INTERFACE
  "${VOXION_TORCH_DIR}/include" "${VOXION_TORCH_DIR}/include/torch/csrc/api/include")
target_link_directories(voxion_torch INTERFACE "${VOXION_TORCH_DIR}/lib")
target_link_libraries(voxion_torch INTERFACE -Wl,--no-as-needed torch torch_cpu c10 -Wl,--as-needed
  "${VOXION_TORCH_DIR}/lib/libgomp.so.1")

find_python_package(nlohmann_json VOXION_JSON_DIR)
