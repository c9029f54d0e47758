-- SPDX-License-Identifier: BSD-3-Clause
-- A flood of SYNs: of the file that pktgen was given with -s 0:FILE, which have real options and
-- random addresses, or without one those that pktgen counts through by itself (syn-flood.pkt).
local good, lib = pcall(dofile, os.getenv("SLUICE_LUA") or "lib.lua")
if not good then
	io.stderr:write("sluice: ", tostring(lib), "\n")
	os.exit(3)
end

lib.run(function()
	lib.prepare()
	if lib.text("PCAP", "") == "" then
		local folder = (os.getenv("SLUICE_LUA") or "lib.lua"):match("^(.*/)") or ""
		-- Lua has no call for flags and sequence numbers: the file has them, and addresses
		-- for a try; those of the environment come after it.
		pktgen.load(folder .. "syn-flood.pkt")
		local target = lib.text("TARGET", "198.18.0.1")
		local port = lib.number("TARGET_PORT", 80, 1, 65535)
		for _, which in ipairs({ "start", "min", "max" }) do
			pktgen.range.dst_ip("0", which, target)
			pktgen.range.dst_port("0", which, port)
		end
		pktgen.range.dst_mac("0", "start", lib.text("DST_MAC"))
		pktgen.range.src_mac("0", "start", lib.text("SRC_MAC"))
		pktgen.set_range("0", "on")
	end
	return lib.flood()
end)
