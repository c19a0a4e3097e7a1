# cmake -D NPM=... -D PAGE=<this folder> -D INTO=<folder> -P install.cmake: puts what package-lock.json
# names into INTO/node_modules, and touches INTO/installed.stamp.
file(MAKE_DIRECTORY ${INTO})
file(COPY ${PAGE}/package.json ${PAGE}/package-lock.json DESTINATION ${INTO})
execute_process(
  COMMAND ${NPM} ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error
  WORKING_DIRECTORY ${INTO} RESULT_VARIABLE FAILED OUTPUT_QUIET)
if(FAILED)
  message(FATAL_ERROR "npm could not install the admin pages' chart library and typeface "
                      "(its own words are above). This is the one step of the build that needs "
                      "the network; in ${INTO}, `npm ci` repeats it.")
endif()
file(TOUCH ${INTO}/installed.stamp)
