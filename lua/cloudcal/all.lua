--- cloudcal with every module loaded, where `require "cloudcal"` leaves some until they are needed:
-- for a host that goes into a chroot, or gives up its right to read files, after loading scripts.

require("cloudcal.caldav.xml").library()
require "cloudcal.caldav"
require "cloudcal.codes.calendar"
require "cloudcal.codes.categories"
require "cloudcal.codes.generic"
require "cloudcal.codes.kinds"
require "cloudcal.codes.local_errors"
require "cloudcal.codes.token"
require "cloudcal.codes.transport"
local endpoints = require "cloudcal.endpoints"
require "cloudcal.journal"
require "cloudcal.logins"
require "cloudcal.map"
require "cloudcal.pretty"
require "cloudcal.services.feishu"
require "cloudcal.services.youkong"
require "cloudcal.stores.file"
require "cloudcal.stores.nginx"
require "cloudcal.stores.redis"

assert(endpoints.all)

return require "cloudcal"
