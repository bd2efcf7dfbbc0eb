local document = {}
function document.machine_line(m) return ("%s, %d CPUs, load %s"):format(m.cpu, m.cpus, m.load) end
function document.write() end
return document
