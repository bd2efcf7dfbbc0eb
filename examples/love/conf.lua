function love.conf(t)
    t.identity = "cloudcal"
    t.window.title = "cloudcal in LÖVE"
    t.window.width, t.window.height = 640, 360
    t.modules.audio, t.modules.joystick, t.modules.physics = false, false, false
end
