-- SPDX-License-Identifier: BSD-3-Clause
-- What the scripts of this folder share. Pktgen passes no arguments to a script: all comes from the
-- environment, and goes to a file, a line of JSON each. Whatever happens, the program ends: a
-- script that fails would leave pktgen at its prompt for ever.

local lib = {}

local PORT = "0"
local SATURATED = 0.95		-- of what was asked
local LAG_MS = 2200		-- counters of the port are that late, at most
local SPEED_UNKNOWN = 10000	-- Mb/s, of virtual devices that say 0
local PERCENT_MIN = 0.01	-- pktgen knows no less
local FRAME_GAP = 24		-- preamble, check sequence and gap of a frame on the wire

-- An exit status for each way to end.
lib.OK, lib.FAILED, lib.WRONG, lib.BROKEN = 0, 1, 2, 3

local function wrong(text)
	error({ code = lib.WRONG, text = text })
end

-- A variable of the environment; without it, the default, or the end of the run.
function lib.text(name, default)
	local value = os.getenv("SLUICE_" .. name)
	if value == nil or value == "" then
		value = default
	end
	if value == nil then
		wrong("SLUICE_" .. name .. " is not set")
	end
	return value
end

function lib.number(name, default, min, max)
	local value = tonumber(lib.text(name, default))
	if value == nil or value < min or value > max then
		wrong(string.format("SLUICE_%s: a number from %s to %s is wanted", name, min, max))
	end
	return value
end

-- Packets per second that are asked for; nil: as many as can be.
function lib.rate()
	if lib.text("RATE", "max") == "max" then
		return nil
	end
	return lib.number("RATE", nil, 1, 1e9)
end

local function quote(text)
	return '"' .. text:gsub('[%c"\\]', function(c)
		return string.format("\\u%04x", c:byte())
	end) .. '"'
end

local function encode(value)
	if type(value) == "string" then
		return quote(value)
	elseif type(value) == "number" then
		return string.format(value % 1 == 0 and "%.0f" or "%.6f", value)
	elseif type(value) ~= "table" then
		return tostring(value)
	end
	local parts = {}
	if value[1] ~= nil or next(value) == nil then
		for _, part in ipairs(value) do
			parts[#parts + 1] = encode(part)
		end
		return "[" .. table.concat(parts, ",") .. "]"
	end
	local names = {}
	for name in pairs(value) do
		names[#names + 1] = name
	end
	table.sort(names)
	for _, name in ipairs(names) do
		parts[#parts + 1] = quote(name) .. ":" .. encode(value[name])
	end
	return "{" .. table.concat(parts, ",") .. "}"
end

-- One line of the result, on the disk when this returns.
function lib.write(line)
	local file, why = io.open(lib.text("RESULT"), "a")
	if file == nil then
		error({ code = lib.BROKEN, text = why })
	end
	file:write(encode(line), "\n")
	file:close()
end

-- Mb/s of the link: "<UP-10000-FD>" is what pktgen says of it.
function lib.link_mbps()
	local text = tostring((pktgen.linkState(PORT) or {})[0] or "")
	return tonumber(text:match("UP%-(%d+)")) or 0
end

-- The share of the link that a rate is, in percent, which is what pktgen is told.
function lib.percent(rate, frame_bytes)
	local speed = lib.link_mbps()
	if speed == 0 then
		speed = SPEED_UNKNOWN
	end
	local most = speed * 1e6 / ((math.max(frame_bytes, 60) + FRAME_GAP) * 8)
	return math.min(100, math.max(PERCENT_MIN, rate * 100 / most))
end

-- Bytes of the frames that are sent, on average: of the file, or of pktgen's own.
function lib.frame_bytes()
	local file = io.open(lib.text("PCAP", ""), "rb")
	if file == nil then
		return 60
	end
	local size, head, sum, count = file:seek("end"), nil, 0, 0
	file:seek("set", 24)
	while count < 1000 and file:seek() < size do
		head = file:read(16)
		if head == nil or #head < 16 then
			break
		end
		local length = string.unpack("<I4", head, 9)
		sum, count = sum + length, count + 1
		file:seek("cur", length)
	end
	file:close()
	return count > 0 and sum / count or 60
end

-- Since 26.02 pktgen gives all counters at once: it refuses the word that says which, and has them
-- one level deeper.
local function counters()
	local good, rows = pcall(pktgen.portStats, PORT, "port")
	if not good then
		rows = pktgen.portStats(PORT)
	end
	local row = rows[0].curr or rows[0]
	return row.opackets, row.ipackets
end

-- Addresses, and the file if there is one.
function lib.prepare()
	pktgen.screen("off")
	pktgen.stop(PORT)
	pktgen.set_mac(PORT, "dst", lib.text("DST_MAC"))
	pktgen.set_mac(PORT, "src", lib.text("SRC_MAC"))
	if lib.text("PCAP", "") ~= "" then
		pktgen.pcap(PORT, "on")
	end
end

-- Sends for so many seconds at a rate (nil: all it can), or count frames if that is not 0; calls
-- each(sent, received) every second. Returns both at the end, and the seconds.
function lib.send(rate, seconds, count, each)
	pktgen.set(PORT, "rate", rate and lib.percent(rate, lib.frame_bytes()) or 100)
	pktgen.set(PORT, "count", count)
	pktgen.clr()
	pktgen.delay(1100)
	local sent0, received0 = counters()
	pktgen.start(PORT)
	for _ = 1, seconds do
		pktgen.delay(1000)
		local sent, received = counters()
		each(sent - sent0, received - received0)
	end
	pktgen.stop(PORT)
	pktgen.delay(LAG_MS)
	local sent, received = counters()
	return sent - sent0, received - received0, seconds
end

-- One flood as the environment says; the line "end" is the result.
function lib.flood()
	local rate = lib.rate()
	local seconds = lib.number("SECONDS", 10, 1, 86400)
	local count = lib.number("ONCE", 0, 0, 1e9)
	lib.write({ what = "begin", link_mbps = lib.link_mbps() })
	if rate ~= nil and lib.percent(rate, lib.frame_bytes()) == PERCENT_MIN then
		wrong("SLUICE_RATE: less than 0.01 % of the link, which is the least pktgen sends")
	end
	local sent, received = lib.send(rate, seconds, count, function(s, r)
		lib.write({ what = "second", sent = s, received = r })
	end)
	local saturated = rate ~= nil and count == 0 and sent < rate * seconds * SATURATED
	lib.write({ what = "end", sent = sent, received = received, saturated = saturated })
	return lib.OK
end

-- Runs main, and ends the program with the status that it returns, or that its error has.
function lib.run(main)
	local good, got = xpcall(main, function(e)
		if type(e) == "table" then
			return e
		end
		return { code = lib.BROKEN, text = debug.traceback(tostring(e)) }
	end)
	local code = lib.OK
	if good then
		code = got or lib.OK
	else
		code = got.code
		io.stderr:write("sluice: ", got.text, "\n")
		pcall(lib.write, { what = "error", text = got.text, code = code })
	end
	pcall(function()
		pktgen.stop(PORT)
	end)
	os.exit(code)
end

return lib
