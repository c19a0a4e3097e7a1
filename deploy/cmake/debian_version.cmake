# Sets DEBIAN_VERSION from VERSION, COMMIT and COMMIT_TIME (commit.cmake), for the tree SOURCE. "0.1.0-1" once CHANGELOG.md
# has a section for that version; before, "0.1.0~20261127T0206.5ada15d8c1f2-1", which every later package replaces.
file(STRINGS ${SOURCE}/CHANGELOG.md RELEASED REGEX "^## ${VERSION}( |$)")
set(DEBIAN_VERSION ${VERSION})
if(NOT RELEASED OR COMMIT MATCHES " ")
  set(ENV{SOURCE_DATE_EPOCH} ${COMMIT_TIME})
  string(TIMESTAMP WHEN "%Y%m%dT%H%M" UTC)
  string(REPLACE " " "." WHAT ${COMMIT})
  string(APPEND DEBIAN_VERSION "~${WHEN}.${WHAT}")
endif()
string(APPEND DEBIAN_VERSION "-1")
