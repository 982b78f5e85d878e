# Writes OUTPUT, a C header with the text of three files as strings; run by `cmake -P`.
# SPDX-License-Identifier: Apache-2.0
set(text "/* Made from ${ABI}, ${GUEST} and ${VECTOR}. */\n")
foreach(pair "abi;${ABI}" "guest;${GUEST}" "vector;${VECTOR}")
  list(GET pair 0 name)
  list(GET pair 1 file)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND text "static const unsigned char aot_embedded_${name}[] = {${bytes}0};\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
