# cmake -D SOURCE=<tree> [-D INTO=<file.cc>] -P commit.cmake, or included with SOURCE set: what the tree is.
#
#   COMMIT        "5ada15d8c1f2", "5ada15d8c1f2 with changes" if tracked files differ from it, or "commit unknown"
#   COMMIT_TIME   seconds since 1970 of that commit: what a reproducible build has in place of the time of day
#
# A clone is asked; a tree that `git archive` packed has both in deploy/commit.txt. With INTO, the definition of
# fanfare::build_commit() is written there if it changed, so that nothing is compiled again without need.
set(COMMIT "commit unknown")
set(COMMIT_TIME 0)
file(READ ${SOURCE}/deploy/commit.txt PACKED)
if(PACKED MATCHES "^([0-9a-f]+) ([0-9]+)")
  string(SUBSTRING ${CMAKE_MATCH_1} 0 12 COMMIT)
  set(COMMIT_TIME ${CMAKE_MATCH_2})
elseif(EXISTS ${SOURCE}/.git)
  execute_process(COMMAND git -C ${SOURCE} log -1 --abbrev=12 "--format=%h %ct"
    OUTPUT_VARIABLE ASKED ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  execute_process(COMMAND git -C ${SOURCE} --no-optional-locks diff-index --name-only HEAD --
    OUTPUT_VARIABLE CHANGED ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(ASKED MATCHES "^([0-9a-f]+) ([0-9]+)$")
    set(COMMIT ${CMAKE_MATCH_1})
    set(COMMIT_TIME ${CMAKE_MATCH_2})
    if(CHANGED)
      string(APPEND COMMIT " with changes")
    endif()
  endif()
endif()

if(INTO)
  set(TEXT "#include \"common/build.h\"\n\nstd::string_view fanfare::build_commit() {\n  return \"${COMMIT}\";\n}\n")
  set(BEFORE "")
  if(EXISTS ${INTO})
    file(READ ${INTO} BEFORE)
  endif()
  if(NOT TEXT STREQUAL BEFORE)
    file(WRITE ${INTO} "${TEXT}")
  endif()
endif()
