# What browsers are sent lies in folders of its own, is packed by their pack.mjs into one C++ source, and
# may need packages from npm (if there is a package.json), which are installed into the build folder (once; this may need the network).
find_program(NODE node)
find_program(NPM npm)
if(NOT NODE OR NOT NPM)
  message(FATAL_ERROR "the admin pages and the browser module need node and npm: apt-get install nodejs npm")
endif()

set(INSTALL_NPM ${CMAKE_CURRENT_LIST_DIR}/install_npm.cmake)
set(EMBED ${CMAKE_CURRENT_LIST_DIR}/embed.mjs)

# fanfare_packed(TARGET FOLDER OUTPUT WHAT): FOLDER/pack.mjs makes OUTPUT, a source of TARGET. WHAT npm installs, in words.
function(fanfare_packed TARGET FOLDER OUTPUT WHAT)
  set(FROM ${CMAKE_CURRENT_SOURCE_DIR}/${FOLDER})
  set(INTO ${CMAKE_CURRENT_BINARY_DIR}/${FOLDER})
  set(SOURCE ${CMAKE_CURRENT_BINARY_DIR}/${OUTPUT})
  file(GLOB FILES CONFIGURE_DEPENDS ${FROM}/*.html ${FROM}/*.css ${FROM}/*.js ${FROM}/*.svg ${FROM}/*.mjs)
  set(STAMP)
  if(EXISTS ${FROM}/package.json)
    set(STAMP ${INTO}/installed.stamp)
    add_custom_command(OUTPUT ${STAMP}
      COMMAND ${CMAKE_COMMAND} -D NPM=${NPM} -D FROM=${FROM} -D INTO=${INTO} -D WHAT=${WHAT} -P ${INSTALL_NPM}
      DEPENDS ${FROM}/package.json ${FROM}/package-lock.json ${INSTALL_NPM}
      COMMENT "Installing ${WHAT} from npm" VERBATIM)
  endif()
  add_custom_command(OUTPUT ${SOURCE}
    COMMAND ${NODE} ${FROM}/pack.mjs ${INTO}/node_modules ${SOURCE}
    DEPENDS ${STAMP} ${FILES} ${EMBED}
    COMMENT "Packing ${OUTPUT}" VERBATIM)
  target_sources(${TARGET} PRIVATE ${SOURCE})
  set_source_files_properties(${SOURCE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
