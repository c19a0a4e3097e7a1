# cmake -D NPM=... -D FROM=<folder> -D INTO=<folder> -D WHAT=... -P install_npm.cmake: puts what
# FROM/package-lock.json names into INTO/node_modules, and touches INTO/installed.stamp.
file(MAKE_DIRECTORY ${INTO})
file(COPY ${FROM}/package.json ${FROM}/package-lock.json DESTINATION ${INTO})
execute_process(
  COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error
  WORKING_DIRECTORY ${INTO} RESULT_VARIABLE FAILED OUTPUT_QUIET)
if(FAILED)
  message(FATAL_ERROR "npm could not install ${WHAT} (its own words are above). Such steps are the "
                      "only ones of the build that need the network; in ${INTO}, `npm ci` repeats this one.")
endif()
file(TOUCH ${INTO}/installed.stamp)
