vim.api.nvim_create_user_command("CloudcalCalendar", function()
    require("cloudcal_calendar").show()
end, { desc = "Show the primary calendar" })
