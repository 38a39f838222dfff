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

find_python_package(nlohmann_json VOXION_JSON_DIR)
