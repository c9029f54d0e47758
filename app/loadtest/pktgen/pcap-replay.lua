-- SPDX-License-Identifier: BSD-3-Clause
-- Sends the file that pktgen was given with -s 0:FILE, over and over or once: ACKs, resets,
-- fragments, wrong checksums, data, whatever is in it.
local good, lib = pcall(dofile, os.getenv("SLUICE_LUA") or "lib.lua")
if not good then
	io.stderr:write("sluice: ", tostring(lib), "\n")
	os.exit(3)
end

lib.run(function()
	lib.text("PCAP")
	lib.prepare()
	return lib.flood()
end)
