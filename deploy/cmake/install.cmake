# What `cmake --install` puts where, and the Debian package that CPack makes of it. The prefix of the presets is /usr; with
# another one (cmake --preset release -D CMAKE_INSTALL_PREFIX=/usr/local) the unit names the program's place there.
include(GNUInstallDirs)
set(ETC ${CMAKE_INSTALL_FULL_SYSCONFDIR}/fanfare)
set(SHARE ${CMAKE_BINARY_DIR}/share)
set(ADMIN_MODULES ${CMAKE_BINARY_DIR}/broker/admin/page/node_modules)

set(SHARE_SOURCES CHANGELOG.md docs/man/fanfare.1 docs/man/broker.toml.5 deploy/debian/copyright
  deploy/cmake/share.cmake deploy/cmake/commit.cmake deploy/cmake/debian_version.cmake)
list(TRANSFORM SHARE_SOURCES PREPEND ${CMAKE_SOURCE_DIR}/)
add_custom_command(OUTPUT ${SHARE}/made.stamp
  COMMAND ${CMAKE_COMMAND} -D SOURCE=${CMAKE_SOURCE_DIR} -D FANFARE=$<TARGET_FILE:fanfare> -D MODULES=${ADMIN_MODULES}
    -D VERSION=${PROJECT_VERSION} -D FOLDER=${SHARE} -P ${CMAKE_CURRENT_LIST_DIR}/share.cmake
  COMMAND ${CMAKE_COMMAND} -E touch ${SHARE}/made.stamp
  DEPENDS fanfare ${SHARE_SOURCES}
  COMMENT "Making manual pages, completions and changelogs" VERBATIM)
add_custom_target(fanfare-share ALL DEPENDS ${SHARE}/made.stamp)

install(TARGETS fanfare RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES broker.toml DESTINATION ${ETC})
install(FILES ${SHARE}/man/fanfare.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${SHARE}/man/broker.toml.5.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${SHARE}/completions/fanfare DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${SHARE}/completions/_fanfare DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
install(FILES ${SHARE}/completions/fanfare.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

# Units, with the paths of this prefix in place of Debian's.
file(GLOB UNITS CONFIGURE_DEPENDS deploy/systemd/*.service deploy/systemd/*.socket)
foreach(UNIT ${UNITS})
  get_filename_component(NAME ${UNIT} NAME)
  file(READ ${UNIT} TEXT)
  string(REPLACE "/usr/bin/fanfare" "${CMAKE_INSTALL_FULL_BINDIR}/fanfare" TEXT "${TEXT}")
  string(REPLACE "/etc/fanfare" "${ETC}" TEXT "${TEXT}")
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/systemd/${NAME} CONTENT "${TEXT}" @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/systemd/${NAME} DESTINATION lib/systemd/system)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${UNIT})
endforeach()
install(FILES deploy/systemd/fanfare.sysusers DESTINATION lib/sysusers.d RENAME fanfare.conf)
install(FILES deploy/systemd/fanfare.tmpfiles DESTINATION lib/tmpfiles.d RENAME fanfare.conf)

install(FILES deploy/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME fanfare)
install(DIRECTORY ${SHARE}/doc/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES README.md docs/PROTOCOL.md docs/CONFIG.md docs/METRICS.md docs/CLIENTS.md docs/OPERATING.md docs/SCREENS.md docs/shop-floor.png DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
  PATTERN node_modules EXCLUDE PATTERN __pycache__ EXCLUDE)
install(DIRECTORY deploy/proxy deploy/docker deploy/kubernetes deploy/sysctl.d deploy/prometheus deploy/grafana deploy/screens DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
  USE_SOURCE_PERMISSIONS PATTERN __pycache__ EXCLUDE)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME fanfare)
set(CPACK_PACKAGE_CONTACT "The Fanfare maintainers <maintainers@fanfare.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "event broker for Server-Sent Events")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Fanfare is one daemon that holds very many subscribers (browsers with
EventSource, or any HTTP client) and sends each published event to all of
them. Events are numbered in one log; a client that reconnects gets what it
missed, or an event that says what is no longer available.

Applications publish over a local socket with HTTP, the protocol of Redis, or
lines of JSON. It needs no database.")
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS
  "systemd | systemd-standalone-sysusers | systemd-sysusers, systemd | systemd-standalone-tmpfiles | systemd-tmpfiles")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA)
foreach(SCRIPT preinst postinst prerm postrm conffiles)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/deploy/debian/${SCRIPT})
endforeach()
# The version is that of the commit when the package is made, not of the last time that CMake was run.
set(CPACK_FANFARE_SOURCE ${CMAKE_SOURCE_DIR})
set(CPACK_FANFARE_VERSION ${PROJECT_VERSION})
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_LIST_DIR}/cpack.cmake)
include(CPack)
