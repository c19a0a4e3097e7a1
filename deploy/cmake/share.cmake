# cmake -D SOURCE=<tree> -D FANFARE=<binary> -D MODULES=<node_modules> -D VERSION=<x.y.z> -D FOLDER=<folder> -P share.cmake:
# what is installed below /usr/share and has to be made first: manual pages, completion scripts, changelogs, licences. The
# result depends on the tree and its commit alone.
include(${CMAKE_CURRENT_LIST_DIR}/commit.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/debian_version.cmake)
set(ENV{SOURCE_DATE_EPOCH} ${COMMIT_TIME})
file(REMOVE_RECURSE ${FOLDER})
file(MAKE_DIRECTORY ${FOLDER}/man ${FOLDER}/completions ${FOLDER}/doc)

function(compress FROM TO)
  execute_process(COMMAND gzip -9nc ${FROM} OUTPUT_FILE ${TO} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
compress(${SOURCE}/docs/man/fanfare.1 ${FOLDER}/man/fanfare.1.gz)
compress(${SOURCE}/docs/man/broker.toml.5 ${FOLDER}/man/broker.toml.5.gz)
compress(${SOURCE}/CHANGELOG.md ${FOLDER}/doc/changelog.gz)

foreach(PAIR bash:fanfare zsh:_fanfare fish:fanfare.fish)
  string(REPLACE ":" ";" PAIR ${PAIR})
  list(GET PAIR 0 SHELL)
  list(GET PAIR 1 NAME)
  execute_process(COMMAND ${FANFARE} completion ${SHELL} OUTPUT_FILE ${FOLDER}/completions/${NAME} COMMAND_ERROR_IS_FATAL ANY)
endforeach()

string(TIMESTAMP DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${FOLDER}/changelog "fanfare (${DEBIAN_VERSION}) unstable; urgency=medium

  * What changed is in /usr/share/doc/fanfare/changelog.gz.

 -- The Fanfare maintainers <maintainers@fanfare.invalid>  ${DATE}
")
compress(${FOLDER}/changelog ${FOLDER}/doc/changelog.Debian.gz)
file(REMOVE ${FOLDER}/changelog)

# The font's licence, in the form of Debian's copyright files.
file(READ ${SOURCE}/deploy/debian/copyright COPYRIGHT)
file(READ "${MODULES}/@fontsource-variable/inter/LICENSE" LICENCE)
string(REGEX REPLACE "\r" "" LICENCE "${LICENCE}")
string(REGEX REPLACE "\n" "\n " LICENCE " ${LICENCE}")
string(REGEX REPLACE "\n +\n" "\n .\n" LICENCE "${LICENCE}")
string(REGEX REPLACE "\n +\n" "\n .\n" LICENCE "${LICENCE}")
string(STRIP "${LICENCE}" LICENCE)
file(WRITE ${FOLDER}/doc/copyright "${COPYRIGHT}\nLicense: OFL-1.1\n ${LICENCE}\n")
