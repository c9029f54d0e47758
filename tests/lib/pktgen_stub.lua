-- SPDX-License-Identifier: BSD-3-Clause
-- What a script of app/loadtest/pktgen sees of pktgen: lua5.4 pktgen_stub.lua SCRIPT. Time is the
-- script's own, so nothing waits. $STUB says what the device does: STUB_MOST frames/s at most are
-- sent, STUB_ANSWERS of each second's come back, STUB_FAIL names a call that fails; calls go to
-- STUB_LOG. STUB_PKTGEN=26 has portStats as it is since 26.02.
local most = tonumber(os.getenv("STUB_MOST") or "1e9")
local answers = tonumber(os.getenv("STUB_ANSWERS") or "1e9")
local link = os.getenv("STUB_LINK") or "<UP-10000-FD>"
local is_26 = os.getenv("STUB_PKTGEN") == "26"
local log = io.open(os.getenv("STUB_LOG") or "/dev/null", "a")
local now_ms, sending, percent, limit, frames = 0, false, 100, 0, { out = 0, back = 0 }

local function called(name, ...)
	log:write(name, " ", table.concat({ ... }, " "), "\n")
	log:flush()
	if os.getenv("STUB_FAIL") == name then
		error(name .. " fails")
	end
end

-- Frames of 60 bytes on a 10 Gb/s link, as lib.percent counts them back.
local function per_second()
	local speed = tonumber(link:match("UP%-(%d+)")) or 0
	if speed == 0 then
		speed = 10000
	end
	local size = tonumber(os.getenv("STUB_FRAME") or "60")
	return math.min(most, speed * 1e6 / ((size + 24) * 8) * percent / 100)
end

local function advance(ms)
	now_ms = now_ms + ms
	if not sending then
		return
	end
	local n = per_second() * ms / 1000
	if limit > 0 then
		n = math.min(n, limit - frames.out)
	end
	frames.out = frames.out + n
	frames.back = frames.back + math.min(n, answers * ms / 1000)
end

local plain = { "screen", "set_mac", "pcap", "load", "set_range" }
pktgen = { range = {} }
for _, name in ipairs(plain) do
	pktgen[name] = function(...)
		called(name, ...)
	end
end
for _, name in ipairs({ "dst_ip", "dst_port", "dst_mac", "src_mac" }) do
	pktgen.range[name] = function(...)
		called("range." .. name, ...)
	end
end
function pktgen.set(port, what, value)
	called("set", port, what, value)
	if what == "rate" then
		percent = value
	elseif what == "count" then
		limit = value
	end
end
function pktgen.start(port)
	called("start", port)
	sending = true
end
function pktgen.clr()
	called("clr")
	frames = { out = 0, back = 0 }
end
function pktgen.stop(port)
	called("stop", port)
	sending = false
end
function pktgen.delay(ms)
	advance(ms)
end
function pktgen.linkState(port)
	called("linkState", port)
	return { [0] = link }
end
function pktgen.portStats(...)
	called("portStats", ...)
	local function whole(n)
		return math.floor(n + 0.5)
	end
	local row = { opackets = whole(frames.out), ipackets = whole(frames.back) }
	if select("#", ...) ~= (is_26 and 1 or 2) then
		error("portStats, wrong number of arguments")
	end
	return { n = 1, [0] = is_26 and { curr = row } or row }
end

dofile(arg[1])
-- A script that comes back leaves pktgen at its prompt: seen as this status.
os.exit(99)
