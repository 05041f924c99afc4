-- @noindex
--- Long work in slices, so that no tick takes long: jobs are coroutines that pause when their share of the tick is spent.

local work = {}

---Share of a tick, in seconds.
work.SLICE_S = 0.006

---The same in the first tick of what the user has just asked for and waits for: the rest comes a tick later.
work.FIRST_S = 0.02

local deadline = math.huge
local cancelling = false

local CANCELLED = "cancelled"

---Give up the rest of this tick. Raises an error in a job that is being cancelled, so that it lets go of what it holds.
function work.yield()
  if cancelling then error(CANCELLED, 0) end
  coroutine.yield()
  if cancelling then error(CANCELLED, 0) end
end

---To be called often inside a job.
function work.pause()
  if cancelling then error(CANCELLED, 0) end
  if reaper.time_precise() >= deadline and coroutine.isyieldable() then work.yield() end
end

---@class Job
---@field thread thread
---@field cleanup fun()?
---@field slice_s number? of its first slice, where that may be another

---@param run fun()
---@param cleanup fun()? runs at the end, also after an error or a cancel
---@param slice_s number? share of its first tick
---@return Job
function work.job(run, cleanup, slice_s)
  return { thread = coroutine.create(run), cleanup = cleanup, slice_s = slice_s }
end

local function finish(job)
  local cleanup = job.cleanup
  job.cleanup = nil
  if cleanup then cleanup() end
end

---One slice. An error of the job is raised here, after its cleanup.
---@param job Job
---@return boolean more
function work.step(job)
  if coroutine.status(job.thread) == "dead" then return false end
  deadline = reaper.time_precise() + (job.slice_s or work.SLICE_S)
  job.slice_s = nil
  local ok, message = coroutine.resume(job.thread)
  deadline = math.huge
  if not ok then
    local trace = debug.traceback(job.thread, tostring(message))
    finish(job)
    error(trace, 0)
  end
  if coroutine.status(job.thread) == "dead" then
    finish(job)
    return false
  end
  return true
end

---End a job where it stands; one that is running just now ends by itself.
---@param job Job
function work.cancel(job)
  if coroutine.status(job.thread) ~= "suspended" then return end
  cancelling = true
  coroutine.resume(job.thread)
  cancelling = false
  job.thread = coroutine.create(function() end)
  coroutine.resume(job.thread)
  finish(job)
end

return work
