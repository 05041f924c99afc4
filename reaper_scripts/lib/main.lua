--- Entry of ReaTrieve_Client.lua.

require("client").run()

return {}
