-- Head office's gate: is each record from the store that it names?
--
-- Fluent Bit does not tell a filter who logged in. So a store's agent proves each record by
--   proof = first 32 hex digits of HMAC-SHA256(key, store.id \n event.id \n event.sequence \n tag)
-- with a key made from its token, and begins each event.id with its store's mark. Filters run before a
-- record is written to disk and acknowledged. A good record is passed on without its proof; any other gets
-- an object `gate` with the reason, which the ingest pipeline turns into a quarantine document.
--
-- Every record is written anew from what was judged: one with a key twice, or with a number that is no
-- JSON, would be read differently further on, or have its whole chunk refused for ever.

local bit = require("bit")
local band, bnot, bxor, ror, rshift, lshift = bit.band, bit.bnot, bit.bxor, bit.ror, bit.rshift, bit.lshift
local byte, char, format, sub, rep = string.byte, string.char, string.format, string.sub, string.rep

-- The indices that stores write to; whatever else is sent is refused.
local TAGS = {
  ["pabx.cdr"] = "pabx.cdr", ["pabx.cdr.state"] = "pabx.cdr", ["pabx.calls"] = "pabx.call",
  ["pabx.audit"] = "pabx.audit", ["pabx.quarantine"] = "pabx.quarantine", ["pabx.stores"] = "pabx.store",
  ["pabx.live"] = "pabx.live", ["pabx.events"] = "pabx.event",
}
-- What head office alone says of a store; in `pabx-stores` a store may write all the rest of its own.
local REGISTER = {
  "name", "region", "city", "state", "area_code", "opening_hours", "opening_exceptions", "trunks",
  "trunk_channels", "holidays", "closed_from", "valid_from", "status", "status_since", "registered_at",
  "revoked_at", "last_seen", "clock_offset_seconds", "usual", "watch",
}
-- The cluster takes `_routing`, `_if_seq_no` and others in a document for a part of the request.
local UNDERSCORE = byte("_")
-- Each month is an index: a store must not be able to make thousands. A PBX's clock may stand at 1970.
local EARLIEST, UNSET_CLOCK, AHEAD = 946684800, 31 * 86400, 40 * 86400
-- Events have an index a day, and are deleted after 90 days.
local OLDEST_EVENT = 100 * 86400
local LONGEST_NAME = 64
-- OpenSearch refuses a whole request for one `_id` beyond 512 bytes; an agent's have 32.
local LONGEST_ID = 160
-- And for one field whose name is beyond 50,000 characters.
local LONGEST_FIELD = 1024

-- SHA-256 (FIPS 180-4), on LuaJIT's 32-bit integers.

local K = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}
local START = {
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
}
local W = {}

local function compress(state, block, at)
  for i = 1, 16 do
    local a, b, c, d = byte(block, at + 4 * i - 4, at + 4 * i - 1)
    W[i] = bit.bor(lshift(a, 24), lshift(b, 16), lshift(c, 8), d)
  end
  for i = 17, 64 do
    local x, y = W[i - 15], W[i - 2]
    local s0 = bxor(ror(x, 7), ror(x, 18), rshift(x, 3))
    local s1 = bxor(ror(y, 17), ror(y, 19), rshift(y, 10))
    W[i] = bit.tobit(W[i - 16] + s0 + W[i - 7] + s1)
  end
  local a, b, c, d, e, f, g, h =
    state[1], state[2], state[3], state[4], state[5], state[6], state[7], state[8]
  for i = 1, 64 do
    local s1 = bxor(ror(e, 6), ror(e, 11), ror(e, 25))
    local t1 = bit.tobit(h + s1 + bxor(band(e, f), band(bnot(e), g)) + K[i] + W[i])
    local s0 = bxor(ror(a, 2), ror(a, 13), ror(a, 22))
    local t2 = bit.tobit(s0 + bxor(band(a, b), band(a, c), band(b, c)))
    h, g, f, e, d, c, b, a = g, f, e, bit.tobit(d + t1), c, b, a, bit.tobit(t1 + t2)
  end
  return {
    bit.tobit(state[1] + a), bit.tobit(state[2] + b), bit.tobit(state[3] + c), bit.tobit(state[4] + d),
    bit.tobit(state[5] + e), bit.tobit(state[6] + f), bit.tobit(state[7] + g), bit.tobit(state[8] + h),
  }
end

local function big_endian(number)
  return char(band(rshift(number, 24), 255), band(rshift(number, 16), 255), band(rshift(number, 8), 255),
    band(number, 255))
end

-- The state after `message`, which follows `before` bytes that `state` has already taken in.
local function finish(state, message, before)
  local length = #message
  local padded = message .. "\128" .. rep("\0", (55 - before - length) % 64)
    .. big_endian(math.floor((before + length) / 2 ^ 29)) .. big_endian((before + length) * 8 % 2 ^ 32)
  for at = 1, #padded, 64 do
    state = compress(state, padded, at)
  end
  return state
end

local function raw(state)
  local parts = {}
  for i = 1, 8 do
    parts[i] = big_endian(state[i])
  end
  return table.concat(parts)
end

local function hex(state, digits)
  local parts = {}
  for i = 1, 8 do
    parts[i] = bit.tohex(state[i])
  end
  return sub(table.concat(parts), 1, digits)
end

local function key_states(key)
  local inner, outer = {}, {}
  for i = 1, 64 do
    local value = byte(key, i) or 0
    inner[i], outer[i] = char(bxor(value, 0x36)), char(bxor(value, 0x5c))
  end
  return { inner = compress(START, table.concat(inner), 1), outer = compress(START, table.concat(outer), 1) }
end

local function proof_of(key, message)
  return hex(finish(key.outer, raw(finish(key.inner, message, 64)), 64), 32)
end

-- In the same time wherever they differ.
local function same(expected, given)
  if #expected ~= #given then
    return false
  end
  local difference = 0
  for i = 1, #expected do
    difference = bit.bor(difference, bxor(byte(expected, i), byte(given, i)))
  end
  return difference == 0
end

-- The stores' keys: a line each, `STORE KEY-IN-HEX`; several for one store while its token is renewed.

local FOLDER = debug.getinfo(1, "S").source:match("^@(.*/)") or "./"
local KEYS_FILE = FOLDER .. "keys"
local stores, read_text = {}, nil

-- False where the file is not to be read: then what was read before holds.
local function read_keys()
  local file = io.open(KEYS_FILE, "rb")
  local text = file and file:read("*a")
  if file then
    file:close()
  end
  if text == nil then
    return false
  end
  if text ~= read_text then
    local found = {}
    for name, key in text:gmatch("(%S+) (%x+)\n") do
      local store = found[name]
      if store == nil then
        store = { mark = hex(finish(START, "pabx-store:" .. name, 0), 8), keys = {} }
        found[name] = store
      end
      store.keys[#store.keys + 1] = key_states((key:gsub("%x%x", function(two)
        return char(tonumber(two, 16))
      end)))
    end
    stores, read_text = found, text
  end
  return true
end

if not read_keys() then
  error("gate: " .. KEYS_FILE .. " cannot be read: run central gate init, or give Fluent Bit's user the right")
end

local function known(name, message, given)
  local store = stores[name]
  if store ~= nil then
    for i = 1, #store.keys do
      if same(proof_of(store.keys[i], message), given) then
        return store
      end
    end
  end
  return nil
end

-- Revoked keys end within this, enrolled ones count at once: who is not known is looked up again.
local LOOK_SECONDS = 2
local looked = 0

local function looked_at(now)
  if now - looked >= LOOK_SECONDS or now < looked then
    looked = now
    read_keys()
  end
end

-- Whether a value can be JSON that the cluster reads, and comes out of Lua as it went in: whole numbers are
-- exact below 2^53.
local function plain(value)
  local kind = type(value)
  if kind == "table" then
    local length, names = #value, 0
    for name, inner in pairs(value) do
      if not plain(inner) or (length == 0 and (type(name) ~= "string" or #name > LONGEST_FIELD)) then
        return false
      end
      names = names + 1
    end
    return length == 0 or names == length
  elseif kind == "number" then
    return value > -2 ^ 53 and value < 2 ^ 53
  end
  return kind == "string" or kind == "boolean"
end

-- The same in what the cluster's JSON parser takes.
local function made_plain(value)
  if type(value) == "table" then
    local made, list = {}, plain(value)
    for name, inner in pairs(value) do
      made[list and name or sub(tostring(name), 1, LONGEST_FIELD)] = made_plain(inner)
    end
    return made
  end
  if plain(value) then
    return value
  end
  return tostring(value)
end

-- Whether an id may be written into the request to the cluster.
local function fits_request(id)
  return type(id) == "string" and id ~= "" and #id <= LONGEST_ID and not id:find("[^%w._-]")
end

-- nil for a good record, else the rule that it breaks and words.
local function refusal(tag, time, record, now)
  if TAGS[tag] == nil then
    return "gate.tag", "tag: no index takes what is sent under this name"
  end
  local event, store = record.event, record.store
  if type(event) ~= "table" or type(event.id) ~= "string" or event.id == "" then
    return "gate.event_id", "event.id: missing, or not a text"
  end
  if tag ~= "pabx.stores" and #event.id > LONGEST_ID then
    return "gate.event_id", format("event.id: longer than %d bytes", LONGEST_ID)
  end
  if type(store) ~= "table" or type(store.id) ~= "string" or #store.id > 4 * LONGEST_NAME then
    return "gate.store_id", "store.id: missing, or not a text"
  end
  local sequence = event.sequence
  if sequence == nil then
    sequence = ""
  elseif type(sequence) == "number" and sequence >= 0 and sequence < 2 ^ 63 then
    sequence = format("%.0f", sequence)
  else
    return "gate.sequence", "event.sequence: not a whole number"
  end
  if type(record.proof) ~= "string" then
    return "gate.proof", "store.id: the record does not prove that it is this store's"
  end
  local message = store.id .. "\n" .. event.id .. "\n" .. sequence .. "\n" .. tag
  local found = known(store.id, message, record.proof)
  if found == nil and read_keys() then
    found = known(store.id, message, record.proof)
  end
  if found == nil then
    if stores[store.id] == nil then
      return "gate.unknown_store", "store.id: no store of this name has a credential, or it was revoked"
    end
    return "gate.proof", "store.id: the proof is not made with this store's credential"
  end
  -- Of the event's numbers only the sequence may be larger: its low bits are zero, it stays exact.
  event.sequence = nil
  local exact = plain(record)
  event.sequence = sequence ~= "" and tonumber(sequence) or nil
  if not exact then
    return "gate.value", format(
      "a number that is none, a whole one beyond 2^53, or a name longer than %d bytes", LONGEST_FIELD)
  end
  for name in pairs(record) do
    if byte(name, 1) == UNDERSCORE then
      return "gate.name", "document: a field at its top whose name begins with _"
    end
  end
  if event.dataset ~= TAGS[tag] then
    return "gate.dataset", "event.dataset: not what is sent under this tag"
  end
  if tag == "pabx.stores" then
    if event.id ~= store.id or event.sequence ~= nil then
      return "gate.event_id", "event.id: of a heartbeat it is the store's id"
    end
    for _, name in ipairs(REGISTER) do
      if store[name] ~= nil then
        return "gate.register", "store." .. name .. ": only head office writes it"
      end
    end
  elseif sub(event.id, 1, 8) ~= found.mark or not fits_request(event.id) then
    return "gate.mark", "event.id: does not begin with this store's mark"
  end
  if tag == "pabx.live" then
    return nil  -- it has one index, and counts by its arrival
  end
  if time > now + AHEAD or (time < EARLIEST and not (time >= 0 and time < UNSET_CLOCK)) then
    return "gate.time", "@timestamp: before the year 2000 or more than 40 days ahead"
  end
  if tag == "pabx.events" and time < now - OLDEST_EVENT and time >= EARLIEST then
    return "gate.time", "@timestamp: of an event more than 100 days ago"
  end
  return nil
end

-- A line for each rule now and then, with how many there were: a flood must not fill the log.
local LOG_SECONDS = 10
local logged, refused, unidentified = {}, {}, 0

local function log_refusal(rule, record, now)
  refused[rule] = (refused[rule] or 0) + 1
  if now - (logged[rule] or 0) < LOG_SECONDS then
    return
  end
  local store = type(record.store) == "table" and record.store.id
  local named = type(store) == "string" and sub(store, 1, LONGEST_NAME):gsub("[^%w._-]", "?") or "none"
  io.stderr:write(format("gate: refused %d records, rule %s; the last one names store %s\n",
    refused[rule], rule, named))
  logged[rule], refused[rule] = now, 0
end

-- Called by Fluent Bit for each record: 1 takes time and record from here, 2 the record, -1 drops it.
function gate(tag, time, record)
  local now = os.time()
  looked_at(now)
  if type(record) ~= "table" then
    -- Fluent Bit's output reads no further behind a record that is no map (5.1.1): all that follows is lost.
    record = { value = record ~= nil and tostring(record) or nil }
  end
  local fine, rule, message = pcall(refusal, tag, time.sec, record, now)
  if fine and rule == nil then
    record.proof = nil
    -- When a call or a store was heard of is head office's to say, before the record waits for the cluster.
    local of_now = tag == "pabx.live" or tag == "pabx.stores"
    record.arrived = of_now and os.date("!%Y-%m-%dT%H:%M:%SZ", now) or nil
    return 2, time, record
  end
  if not fine then
    rule, message = "gate.failed", "the record cannot be judged"
  end
  log_refusal(rule, record, now)
  if tag == "pabx.stores" then
    -- A heartbeat is no data, and an upsert would reach a document whatever the pipeline says.
    return -1, time, {}
  end
  record = made_plain(record)
  record.proof = nil
  record.gate = { rule = rule, message = message, tag = tag }
  if type(record.event) ~= "table" or #record.event > 0 then
    record.event = { value = record.event }
  end
  local id = record.event.id
  if not fits_request(id) then
    -- Fluent Bit gives a record without an id the one before it had (5.1.1); the quarantine has its own.
    unidentified = unidentified + 1
    record.event.id, record.event.given_id = format("gate-%d-%d", now, unidentified), id
  end
  return 1, { sec = now, nsec = 0 }, record
end
