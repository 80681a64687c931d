/**
 * What all processes share about a gateway that limits, as one hash in Redis. It is there only while the gateway
 * limits, and a while longer; where there is none, nobody asks for turns. Redis' clock counts.
 *
 * `portion` turns at most are given between two rests (`given`, of them `open` not ended yet, `passed` what the gateway
 * took); `rest_until` is the end of a rest, 0 outside of one; `refused` says how the gateway refused since the last
 * rest. `best` is what it let through at the last refusal that told (0: none did), `peak` the most of those, `calm` how
 * many portions have passed without one.
 */
const SHARED = `
local now_parts = redis.call('time')
local now = now_parts[1] * 1000 + math.floor(now_parts[2] / 1000)
local names = {'portion', 'given', 'open', 'passed', 'rest_until', 'best', 'peak', 'calm', 'given_at', 'ended_at'}
local state = {}
local function read(defaults)
  local values = redis.call('hmget', KEYS[1], unpack(names))
  for i, name in ipairs(names) do state[name] = tonumber(values[i] or defaults[name] or 0) end
  state.refused = redis.call('hget', KEYS[1], 'refused') or ''
end
local function write()
  local flat = {'refused', state.refused}
  for _, name in ipairs(names) do
    flat[#flat + 1] = name
    flat[#flat + 1] = string.format('%d', state[name])
  end
  redis.call('hset', KEYS[1], unpack(flat))
end
local function rest_until(moment, forget_ms)
  state.rest_until = math.max(state.rest_until, moment)
  redis.call('hset', KEYS[1], 'refused', state.refused)
  redis.call('pexpireat', KEYS[1], state.rest_until + forget_ms)
end
`;

/**
 * Notes what became of requests.
 * ARGV: how many turns ended, how many of those the gateway took, how many it took without turns, `limited`, `full` or
 * nothing for a refusal, its rest in ms, the shortest rest in ms, forget after ms, first portion
 */
export const NOTE = `${SHARED}
local ended, taken, unasked = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local refusal, own_rest, rest, forget, first = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
if refusal == '' and redis.call('exists', KEYS[1]) == 0 then return 0 end
read({portion = first})
state.open = math.max(0, state.open - ended)
state.passed = state.passed + taken + unasked
state.ended_at = now
if refusal ~= '' then
  if state.refused ~= 'limited' then state.refused = refusal end
  rest_until(now + own_rest, forget)
elseif state.rest_until > 0 then
  -- It was on its way when the rest began: the gateway has been quiet only since it came.
  rest_until(now + rest, forget)
elseif state.given >= state.portion and state.open == 0 then
  rest_until(now + rest, forget)
end
write()
return 1`;

/**
 * Asks for turns. ARGV: how many, the shortest rest in ms, forget after ms, lost after ms
 * Answers with how many were given and how many ms to wait where that is none; -1 when nobody needs to ask.
 */
export const TAKE = `${SHARED}
local wanted, rest, forget, lost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if redis.call('exists', KEYS[1]) == 0 then return {-1, 0} end
read({})
local function enlarge()
  local bound = math.huge
  if state.best > 0 then bound = math.max(1, math.floor(state.best * 0.9)) end
  if state.portion < bound then
    state.portion = math.min(bound, state.portion * 2)
  elseif state.calm >= 5 and state.best < state.peak then
    state.best = math.min(state.peak, math.ceil(state.best * 1.5))
    state.calm = 0
  elseif state.calm >= 30 then
    state.best = math.ceil(state.best * 1.25)
    state.calm = 0
  end
end
if state.rest_until > 0 then
  if now < state.rest_until then return {0, state.rest_until - now} end
  if state.refused == 'limited' and state.passed > 0 then
    -- Never less than half of what it was: a straggler's fault is not the gateway's rule.
    state.best = math.max(state.passed, math.floor(state.best / 2))
    state.peak = math.max(state.peak, state.best)
    state.portion = math.max(1, math.floor(state.best * 0.9))
    state.calm = 0
  elseif state.refused ~= '' then
    state.portion = math.max(1, math.floor(state.portion / 2))
    state.calm = 0
  else
    state.calm = state.calm + 1
    enlarge()
    if state.best == 0 and state.portion > 250 then
      redis.call('del', KEYS[1])
      return {-1, 0}
    end
  end
  state.refused, state.rest_until, state.given, state.open, state.passed = '', 0, 0, 0, 0
elseif state.open == 0 and now - state.ended_at >= rest then
  -- A rest that nobody had to ask for.
  state.given, state.passed = 0, 0
end
if state.given >= state.portion then
  -- Who has turns ends the portion when the last of them has ended, unless it died with them.
  if state.open > 0 and now - state.given_at < lost then
    write()
    return {0, 25}
  end
  rest_until(now + rest, forget)
  write()
  return {0, rest}
end
-- Not all to one: the newest user may be in another process's hands.
local given = math.min(wanted, math.ceil((state.portion - state.given) / 2))
state.given = state.given + given
state.open = state.open + given
state.given_at = now
write()
return {given, 0}`;
