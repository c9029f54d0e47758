-- SPDX-License-Identifier: BSD-3-Clause
-- Searches the highest rate at which no more than SLUICE_LOSS of the frames stay without an answer
-- (RFC 2544 s26.1): a warm-up, halving between what passed and what did not, and once more what
-- came out. SLUICE_RATE is the highest that is tried, SLUICE_SECONDS the length of each trial.
local good, lib = pcall(dofile, os.getenv("SLUICE_LUA") or "lib.lua")
if not good then
	io.stderr:write("sluice: ", tostring(lib), "\n")
	os.exit(3)
end

local NEAR = 0.05		-- the search ends once it knows the rate as closely as this
local TRIALS_MAX = 16
local SATURATED = 0.95

local total_sent, total_received = 0, 0

-- One rate; returns "pass", "fail" or "saturated", and what was sent each second.
local function trial(rate, seconds, loss, trials)
	local sent, received, took = lib.send(rate, seconds, 0, function(s, r)
		lib.write({ what = "second", sent = total_sent + s, received = total_received + r })
	end)
	total_sent, total_received = total_sent + sent, total_received + received
	local verdict = "pass"
	if sent < rate * took * SATURATED then
		verdict = "saturated"
	end
	if received < sent * (1 - loss) then
		verdict = "fail"
	end
	trials[#trials + 1] = {
		asked_pps = rate, sent_pps = math.floor(sent / took),
		received_pps = math.floor(received / took), verdict = verdict,
	}
	return verdict, math.floor(sent / took)
end

local function search(high, seconds, loss)
	local low, rate, trials = 0, high, {}
	while #trials < TRIALS_MAX and high - low > math.max(1, NEAR * high) do
		local verdict, sent_pps = trial(rate, seconds, loss, trials)
		if verdict == "pass" then
			low = rate
			if rate == high then
				break
			end
		elseif verdict == "saturated" then
			high = math.max(low, math.min(rate - 1, sent_pps))
		else
			high = rate
		end
		rate = math.max(1, (low + high) // 2)
	end
	if low > 0 and trials[#trials].asked_pps ~= low then
		if trial(low, seconds, loss, trials) == "fail" then
			low = 0
		end
	end
	return low, trials
end

lib.run(function()
	local high = lib.rate()
	if high == nil then
		error({ code = lib.WRONG, text = "SLUICE_RATE: the highest rate to try is wanted" })
	end
	local seconds = lib.number("SECONDS", 10, 1, 3600)
	local loss = lib.number("LOSS", 0, 0, 1)
	lib.prepare()
	lib.write({ what = "begin", link_mbps = lib.link_mbps() })
	lib.send(math.max(1, high // 10), 1, 0, function() end)
	local low, trials = search(math.floor(high), seconds, loss)
	lib.write({
		what = "end", rate = low, trials = trials,
		sent = total_sent, received = total_received, saturated = false,
	})
	return low > 0 and lib.OK or lib.FAILED
end)
