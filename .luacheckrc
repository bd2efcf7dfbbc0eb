std = "min"
max_line_length = 100
exclude_files = { "build", "node_modules", "library" }
files["spec"] = { std = "+busted" }
files["spec/loop_spec.lua"] = { std = "max+busted" }
files["spec/torture/closing.lua"] = { std = "max" }
files["lua/cloudcal/wait/loop.lua"] = { std = "max" }
files["lua/cloudcal/wait/yieldable.lua"] = { std = "max" }
files["lua/cloudcal/codes/generic.lua"] = { max_line_length = false }
files["docs"] = { std = "lua54", max_line_length = 140 }
files["examples/love"] = { std = "luajit+love" }
files["examples/loops/neovim.lua"] = { std = "luajit", globals = { "vim" } }
files["examples/neovim"] = { std = "luajit", globals = { "vim" } }
files["examples/haproxy"] = { std = "lua53", globals = { "core" } }
files["examples/oauth_callback"] = { std = "ngx_lua" }
